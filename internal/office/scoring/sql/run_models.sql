-- Reads the models of one run.
-- Inputs: run_models, $run. Grain: one row per model. Output: its columns, days since 1970-01-01.
select
    model, (until - date '1970-01-01')::integer, verdict, statement, usable, customers, repeat_buyers, log_likelihood, parameters, estimates, errors
from main.run_models
where run_id = $run
order by case model when 'visits' then 0 when 'spend' then 1 else 2 end
