-- Sums up, as the models count it, what every customer did up to a day, and how often she came after it.
-- Inputs: purchases; $until, the day; $net, whether money is less what came back. Grain: one row per account with a visit up to the day; equal
-- histories stand together. Output: account_id; the number of repeat days, days from the first to the last visit and from the first to $until;
-- minor units spent on days after the first; visit days after $until.
with days as (
    select
        account_id, business_date as day, bool_or(visit) as visit, sum(sold) as sold, sum(returned) as returned
    from temp.main.purchases
    where account_id is not null
    group by all
), spans as (
    select
        account_id,
        min(day) filter (visit) as first_day,
        max(day) filter (visit and day <= date '1970-01-01' + $until::integer) as last_day,
        count(*) filter (visit and day <= date '1970-01-01' + $until::integer) - 1 as repeats,
        count(*) filter (visit and day > date '1970-01-01' + $until::integer) as later
    from days
    group by account_id
    having last_day is not null
), spent as (
    select account_id, sum(sold + case when $net then returned else 0 end) as money
    from days join spans using (account_id)
    where day > first_day and day <= date '1970-01-01' + $until::integer
    group by account_id
)
select
    account_id, repeats, (last_day - first_day)::bigint as recency_days, (date '1970-01-01' + $until::integer - first_day)::bigint as age_days,
    -- Rounded once, half away from zero.
    ((coalesce(money, 0)::decimal(38, /*places*/)) * /*factor*/)::bigint as repeat_minor, later
from spans left join spent using (account_id)
order by repeats, recency_days, age_days, account_id
