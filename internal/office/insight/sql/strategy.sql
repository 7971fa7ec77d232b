-- Counts customers by loyalty and value.
-- Inputs: outlooks, scores, outlook_marks. Grain: one row per strategy that occurs. Output: strategy, accounts, money in the window, from how
-- many days on is long, from how much on is high.
select strategy, count(*), sum(monetary_minor)::bigint, any_value(long_days)::bigint, any_value(high_minor)
from main.outlooks join main.scores using (account_id),
    (select * from main.outlook_marks where run_id = (select max(run_id) from main.runs))
where strategy is not null
group by strategy
