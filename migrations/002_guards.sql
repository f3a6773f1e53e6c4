-- What Prisma cannot say: a run moves only as the contract allows, whoever writes; every event wakes the listeners.

create function guard_run_status() returns trigger language plpgsql as $$
declare
  is_allowed boolean := case old.status
    when 'waiting' then new.status in ('queued', 'cancelled', 'failed')
    when 'queued' then new.status in ('running', 'cancelled', 'failed')
    when 'running' then new.status in ('succeeded', 'failed', 'cancelling', 'queued')
    when 'cancelling' then new.status in ('cancelled', 'failed', 'succeeded')
    when 'cancelled' then new.status in ('queued', 'waiting')
    when 'failed' then new.status in ('queued', 'waiting')
    else false
  end;
begin
  if new.status <> old.status and not is_allowed then
    raise exception 'run % cannot move from % to %', old."runId", old.status, new.status using errcode = 'check_violation';
  end if;
  return new;
end
$$;

create trigger guard_run_status before update of status on "Run" for each row execute function guard_run_status();

create function notify_event() returns trigger language plpgsql as $$
begin
  perform pg_notify('mtmt_events', new."runId");
  return null;
end
$$;

create trigger notify_event after insert on "Event" for each row execute function notify_event();

alter table "Run" add constraint run_attempts check (attempt >= 0 and "maxAttempts" > 0);
alter table "Score" add constraint score_counts check (tp >= 0 and fp >= 0 and fn >= 0);
