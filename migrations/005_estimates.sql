-- F1 of runs on languages without labels, estimated from raw text.

CREATE TABLE "Estimate" (
    "runId" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "f1" DOUBLE PRECISION NOT NULL,
    "precision" DOUBLE PRECISION NOT NULL,
    "recall" DOUBLE PRECISION NOT NULL,
    "ciLow" DOUBLE PRECISION NOT NULL,
    "ciHigh" DOUBLE PRECISION NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL,
    "agreement" DOUBLE PRECISION,
    "method" TEXT NOT NULL,
    "sentences" INTEGER NOT NULL,
    "words" INTEGER NOT NULL,
    "checkpointId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Estimate_pkey" PRIMARY KEY ("runId","language")
);

ALTER TABLE "Estimate" ADD CONSTRAINT "Estimate_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "Estimate" ADD CONSTRAINT "Estimate_checkpointId_fkey" FOREIGN KEY ("checkpointId") REFERENCES "Checkpoint"("checkpointId") ON DELETE CASCADE ON UPDATE CASCADE;
