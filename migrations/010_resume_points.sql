-- Runs go on where they were cut off; and a run that ran out of memory computes its batches in parts.

ALTER TABLE "Run" ADD COLUMN "batchParts" INTEGER NOT NULL DEFAULT 1;

CREATE TABLE "ResumePoint" (
    "runId" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" INTEGER NOT NULL,
    "storageKeys" TEXT[],
    "digests" TEXT[],
    "sizeBytes" BIGINT NOT NULL,
    "progress" JSONB NOT NULL,
    "identity" JSONB NOT NULL,
    "writtenBy" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ResumePoint_pkey" PRIMARY KEY ("runId")
);

ALTER TABLE "ResumePoint" ADD CONSTRAINT "ResumePoint_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;
