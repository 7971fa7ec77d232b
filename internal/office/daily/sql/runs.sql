-- Reads the newest runs.
-- Inputs: daily_runs, $limit. Grain: one row per run, newest first. Output: number, day closed, started, ended, outcome, message.
select run_id, as_of::varchar, started, ended, outcome, message
from main.daily_runs
order by run_id desc
limit $limit::integer
