-- Reads the steps of the newest runs.
-- Inputs: daily_steps, daily_runs, $limit. Grain: one row per step, in their order. Output: run, name, milliseconds, what it counted.
select run_id, name, took_millis, counted
from main.daily_steps
where run_id in (select run_id from main.daily_runs order by run_id desc limit $limit::integer)
order by run_id, step_no
