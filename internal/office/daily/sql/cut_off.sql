-- Notes runs that never ended.
-- Inputs: daily_runs. Grain: one row per run that is under way. Changes: their outcome.
update main.daily_runs
set outcome = 'cut_off', message = 'the process ended in the middle; scores and release are whole, each of this run or of the one before'
where outcome = 'under_way'
