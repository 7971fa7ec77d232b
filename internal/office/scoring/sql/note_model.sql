-- Notes a model of a run.
-- Inputs: its report; lists with commas between. Grain: one row. Changes: run_models.
insert into main.run_models
select
    $run, $model, date '1970-01-01' + $until::integer, $verdict, $statement, $usable, $customers, $repeat_buyers, $log_likelihood,
    case when $parameters <> '' then string_split($parameters, ',') else [] end,
    case when $estimates <> '' then string_split($estimates, ',') else [] end::double[],
    case when $errors <> '' then string_split($errors, ',') else [] end::double[]
