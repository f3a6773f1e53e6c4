-- The first tables: datasets, encoders, experiments, runs with what they tell and make, models, idempotency keys, processes.
-- Made from prisma/schema.prisma; what Prisma cannot say follows in 002.

CREATE TYPE "DatasetKind" AS ENUM ('labeled', 'unlabeled', 'pairs');

CREATE TYPE "Split" AS ENUM ('train', 'dev', 'test');

CREATE TYPE "RunKind" AS ENUM ('recognizer', 'evaluator', 'teacher', 'student');

CREATE TYPE "RunStatus" AS ENUM ('waiting', 'queued', 'running', 'cancelling', 'cancelled', 'succeeded', 'failed');

CREATE TABLE "Dataset" (
    "datasetId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "activeName" TEXT,
    "kind" "DatasetKind" NOT NULL,
    "language" TEXT NOT NULL,
    "split" "Split" NOT NULL,
    "format" TEXT NOT NULL,
    "tagScheme" TEXT,
    "labels" TEXT[],
    "sentences" INTEGER NOT NULL,
    "words" INTEGER NOT NULL,
    "entities" JSONB NOT NULL,
    "pairs" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "warnings" TEXT[],
    "storageKey" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Dataset_pkey" PRIMARY KEY ("datasetId")
);

CREATE TABLE "Encoder" (
    "encoderId" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "layers" INTEGER NOT NULL,
    "hiddenSize" INTEGER NOT NULL,
    "vocabularySize" INTEGER NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "digest" TEXT NOT NULL,
    "license" TEXT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Encoder_pkey" PRIMARY KEY ("encoderId")
);

CREATE TABLE "Experiment" (
    "experimentId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "activeName" TEXT,
    "hypothesis" TEXT,
    "tags" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Experiment_pkey" PRIMARY KEY ("experimentId")
);

CREATE TABLE "Run" (
    "runId" TEXT NOT NULL,
    "experimentId" TEXT NOT NULL,
    "kind" "RunKind" NOT NULL,
    "status" "RunStatus" NOT NULL,
    "name" TEXT NOT NULL,
    "encoderId" TEXT NOT NULL,
    "encoderDigest" TEXT NOT NULL,
    "requested" JSONB NOT NULL,
    "options" JSONB NOT NULL,
    "seed" INTEGER NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "tags" JSONB NOT NULL DEFAULT '{}',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 3,
    "device" TEXT,
    "backend" TEXT,
    "worker" TEXT,
    "step" INTEGER NOT NULL DEFAULT 0,
    "steps" INTEGER NOT NULL DEFAULT 0,
    "epoch" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "loss" DOUBLE PRECISION,
    "piecesPerSecond" DOUBLE PRECISION,
    "etaSeconds" DOUBLE PRECISION,
    "failureCode" TEXT,
    "failureDetail" TEXT,
    "versions" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMPTZ(3),
    "endedAt" TIMESTAMPTZ(3),
    "deletedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Run_pkey" PRIMARY KEY ("runId")
);

CREATE TABLE "RunDataset" (
    "runId" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "RunDataset_pkey" PRIMARY KEY ("runId","role","datasetId")
);

CREATE TABLE "RunTeacher" (
    "runId" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "teacherRunId" TEXT NOT NULL,
    "checkpointId" TEXT,

    CONSTRAINT "RunTeacher_pkey" PRIMARY KEY ("runId","role","position")
);

CREATE TABLE "Transition" (
    "transitionId" BIGSERIAL NOT NULL,
    "runId" TEXT NOT NULL,
    "status" "RunStatus" NOT NULL,
    "reason" TEXT,
    "attempt" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Transition_pkey" PRIMARY KEY ("transitionId")
);

CREATE TABLE "Event" (
    "eventId" BIGSERIAL NOT NULL,
    "runId" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "level" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "Event_pkey" PRIMARY KEY ("eventId")
);

CREATE TABLE "Metric" (
    "runId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "language" TEXT NOT NULL DEFAULT '',
    "split" TEXT NOT NULL DEFAULT '',
    "value" DOUBLE PRECISION,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Metric_pkey" PRIMARY KEY ("runId","name","language","split","step")
);

CREATE TABLE "Score" (
    "runId" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "split" TEXT NOT NULL,
    "tp" INTEGER NOT NULL,
    "fp" INTEGER NOT NULL,
    "fn" INTEGER NOT NULL,
    "tn" INTEGER,
    "sentences" INTEGER NOT NULL,
    "words" INTEGER NOT NULL,
    "ciLow" DOUBLE PRECISION,
    "ciHigh" DOUBLE PRECISION,
    "checkpointId" TEXT NOT NULL,
    "selection" TEXT NOT NULL,
    "scorer" TEXT NOT NULL,
    "decoding" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Score_pkey" PRIMARY KEY ("runId","datasetId","label")
);

CREATE TABLE "Checkpoint" (
    "checkpointId" TEXT NOT NULL,
    "runId" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "isBest" BOOLEAN NOT NULL,
    "isLast" BOOLEAN NOT NULL,
    "digest" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "storageKey" TEXT NOT NULL,
    "manifest" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Checkpoint_pkey" PRIMARY KEY ("checkpointId")
);

CREATE TABLE "Model" (
    "alias" TEXT NOT NULL,
    "checkpointId" TEXT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Model_pkey" PRIMARY KEY ("alias")
);

CREATE TABLE "ModelHistory" (
    "historyId" BIGSERIAL NOT NULL,
    "alias" TEXT NOT NULL,
    "checkpointId" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ModelHistory_pkey" PRIMARY KEY ("historyId")
);

CREATE TABLE "IdempotencyKey" (
    "key" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "bodyDigest" TEXT NOT NULL,
    "statusCode" INTEGER,
    "response" JSONB,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "IdempotencyKey_pkey" PRIMARY KEY ("route","key")
);

CREATE TABLE "Process" (
    "processId" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "device" TEXT NOT NULL,
    "detail" JSONB NOT NULL DEFAULT '{}',
    "seenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Process_pkey" PRIMARY KEY ("processId")
);

CREATE UNIQUE INDEX "Dataset_activeName_key" ON "Dataset"("activeName");

CREATE INDEX "Dataset_createdAt_datasetId_idx" ON "Dataset"("createdAt", "datasetId");

CREATE UNIQUE INDEX "Experiment_activeName_key" ON "Experiment"("activeName");

CREATE INDEX "Experiment_createdAt_experimentId_idx" ON "Experiment"("createdAt", "experimentId");

CREATE INDEX "Run_experimentId_createdAt_idx" ON "Run"("experimentId", "createdAt");

CREATE INDEX "Run_status_idx" ON "Run"("status");

CREATE INDEX "Run_createdAt_runId_idx" ON "Run"("createdAt", "runId");

CREATE INDEX "RunDataset_datasetId_idx" ON "RunDataset"("datasetId");

CREATE INDEX "RunTeacher_teacherRunId_idx" ON "RunTeacher"("teacherRunId");

CREATE INDEX "Transition_runId_transitionId_idx" ON "Transition"("runId", "transitionId");

CREATE INDEX "Event_runId_eventId_idx" ON "Event"("runId", "eventId");

CREATE INDEX "Checkpoint_runId_step_idx" ON "Checkpoint"("runId", "step");

CREATE INDEX "ModelHistory_alias_historyId_idx" ON "ModelHistory"("alias", "historyId");

CREATE INDEX "Process_role_seenAt_idx" ON "Process"("role", "seenAt");

ALTER TABLE "Run" ADD CONSTRAINT "Run_experimentId_fkey" FOREIGN KEY ("experimentId") REFERENCES "Experiment"("experimentId") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "RunDataset" ADD CONSTRAINT "RunDataset_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "RunDataset" ADD CONSTRAINT "RunDataset_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("datasetId") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "RunTeacher" ADD CONSTRAINT "RunTeacher_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "RunTeacher" ADD CONSTRAINT "RunTeacher_teacherRunId_fkey" FOREIGN KEY ("teacherRunId") REFERENCES "Run"("runId") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "Transition" ADD CONSTRAINT "Transition_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Event" ADD CONSTRAINT "Event_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Metric" ADD CONSTRAINT "Metric_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Score" ADD CONSTRAINT "Score_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Score" ADD CONSTRAINT "Score_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("datasetId") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "Score" ADD CONSTRAINT "Score_checkpointId_fkey" FOREIGN KEY ("checkpointId") REFERENCES "Checkpoint"("checkpointId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Checkpoint" ADD CONSTRAINT "Checkpoint_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Model" ADD CONSTRAINT "Model_checkpointId_fkey" FOREIGN KEY ("checkpointId") REFERENCES "Checkpoint"("checkpointId") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "ModelHistory" ADD CONSTRAINT "ModelHistory_checkpointId_fkey" FOREIGN KEY ("checkpointId") REFERENCES "Checkpoint"("checkpointId") ON DELETE SET NULL ON UPDATE CASCADE;

