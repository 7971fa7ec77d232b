-- Notes that a run has started.
-- Inputs: $run, $as_of (days since 1970-01-01), $started. Grain: one row. Changes: daily_runs.
insert into main.daily_runs values ($run, date '1970-01-01' + $as_of::integer, $started::timestamp, null, 'under_way', '')
