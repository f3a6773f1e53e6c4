-- Events of a run get their ids in the order in which they become visible, so that a reader who asks for "after 10" misses none; an index to forget old idempotency keys.

-- An id comes from the sequence before its transaction commits: with two writers (the trainer tells a phase, the API cancels) 11 could be
-- read before 10 was there. So the run's row is locked first, until the transaction ends, and only then the id is drawn; the id that the
-- column's default drew is left out, and ids have gaps. NO KEY UPDATE does not stop inserts that reference the run. Whoever writes events
-- in a transaction that has locked the run must have taken this lock or a stronger one: two that share it would wait for each other.
create function order_event() returns trigger language plpgsql as $$
begin
  perform 1 from "Run" where "runId" = new."runId" for no key update;
  new."eventId" := nextval(pg_get_serial_sequence('"Event"', 'eventId'));
  return new;
end
$$;

create trigger order_event before insert on "Event" for each row execute function order_event();

CREATE INDEX "IdempotencyKey_createdAt_idx" ON "IdempotencyKey"("createdAt");
