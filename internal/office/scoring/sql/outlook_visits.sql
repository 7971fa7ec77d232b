-- Gathers the days on which customers bought.
-- Inputs: purchases. Grain: one row per account and day. Output: visited: account, day, days since the one before (null for the first), and
-- the day's place from the last one back, from 1.
create temp table visited as
select
    account_id, business_date as day,
    business_date - lag(business_date) over (partition by account_id order by business_date) as gap,
    row_number() over (partition by account_id order by business_date desc) as back
from (select distinct account_id, business_date from temp.main.purchases where visit and account_id is not null)
