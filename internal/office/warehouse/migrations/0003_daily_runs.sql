-- Every daily run.
-- One row per run.
create table daily_runs (
    run_id  bigint not null,                       -- rises
    as_of   date not null,                         -- the day it closed
    started timestamp not null,                    -- UTC
    ended   timestamp,                             -- null while it is under way
    outcome varchar not null,                      -- under_way, done, done_with_remarks, refused, failed, unfinished, cut_off
    message varchar not null                       -- why it was refused or failed
);

-- How far each daily run came.
-- One row per run and step that ended.
create table daily_steps (
    run_id      bigint not null,
    step_no     integer not null,                  -- from 1
    name        varchar not null,
    took_millis bigint not null,
    counted     varchar not null                   -- what it counted, in words
);
