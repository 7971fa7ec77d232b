-- Reads what the run before published of predictions.
-- Inputs: predictions. Grain: one row per account of whom something was. Output: account_id; its repeat days and days from the first to the last
-- visit then; the bands of the probability, visits, days, value and profit, below the first band where there is none.
select
    account_id, repeats, recency_days, alive_percent_band::bigint, visits_band, next_visit_band::bigint, coalesce(value_band, -1),
    coalesce(profit_band, case when profit_minor is null then 0 else -1 end)
from main.predictions
where alive_percent_band is not null
