-- A run counts its trainers that were killed, and goes on; and it has one checkpoint of a step with the same weights, however many attempts chose it.

ALTER TABLE "Run" ADD COLUMN "kills" INTEGER NOT NULL DEFAULT 0;

-- of those that are doubled the latest stays, which the scores name; what names another names it from now on
create temporary table doubled on commit drop as
select "checkpointId", kept, "isLast" from (
  select "checkpointId", "isLast", first_value("checkpointId") over (partition by "runId", step, digest order by "isBest" desc, "createdAt" desc, "checkpointId") as kept
  from "Checkpoint") as ranked
where "checkpointId" <> kept;

update "Checkpoint" set "isLast" = true from doubled where "Checkpoint"."checkpointId" = kept and doubled."isLast";
update "Score" set "checkpointId" = kept from doubled where "Score"."checkpointId" = doubled."checkpointId";
update "ScoreVariant" set "checkpointId" = kept from doubled where "ScoreVariant"."checkpointId" = doubled."checkpointId";
update "Estimate" set "checkpointId" = kept from doubled where "Estimate"."checkpointId" = doubled."checkpointId";
update "Model" set "checkpointId" = kept from doubled where "Model"."checkpointId" = doubled."checkpointId";
update "ModelHistory" set "checkpointId" = kept from doubled where "ModelHistory"."checkpointId" = doubled."checkpointId";
update "RunTeacher" set "checkpointId" = kept from doubled where "RunTeacher"."checkpointId" = doubled."checkpointId";
delete from "Checkpoint" using doubled where "Checkpoint"."checkpointId" = doubled."checkpointId";

DROP INDEX "Checkpoint_runId_step_idx";

CREATE UNIQUE INDEX "Checkpoint_runId_step_digest_key" ON "Checkpoint"("runId", "step", "digest");
