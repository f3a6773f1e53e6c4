-- Counts by sentence, so that any two runs can be compared on the same sentences; by decoding and by choice of the checkpoint, so that one run gives both of each.

CREATE TABLE "ScoreVariant" (
    "runId" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "selection" TEXT NOT NULL,
    "decoding" TEXT NOT NULL,
    "checkpointId" TEXT NOT NULL,
    "tp" INTEGER NOT NULL,
    "fp" INTEGER NOT NULL,
    "fn" INTEGER NOT NULL,
    "sentenceCounts" INTEGER[],
    "alphaBins" INTEGER[],

    CONSTRAINT "ScoreVariant_pkey" PRIMARY KEY ("runId","datasetId","selection","decoding")
);

ALTER TABLE "ScoreVariant" ADD CONSTRAINT "ScoreVariant_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("runId") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "ScoreVariant" ADD CONSTRAINT "ScoreVariant_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("datasetId") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "ScoreVariant" ADD CONSTRAINT "ScoreVariant_checkpointId_fkey" FOREIGN KEY ("checkpointId") REFERENCES "Checkpoint"("checkpointId") ON DELETE CASCADE ON UPDATE CASCADE;
