-- A run begins as waiting or queued, whoever writes it, and only an ended one is deleted: 002 guards the moves between, and a row could be made in any state.

create function guard_new_run() returns trigger language plpgsql as $$
begin
  if new.status not in ('waiting', 'queued') then
    raise exception 'run % cannot begin as %', new."runId", new.status using errcode = 'check_violation';
  end if;
  return new;
end
$$;

create trigger guard_new_run before insert on "Run" for each row execute function guard_new_run();

-- so that a deleted run cannot be moved back among the live ones either
alter table "Run" add constraint run_deleted check ("deletedAt" is null or status in ('cancelled', 'succeeded', 'failed'));
