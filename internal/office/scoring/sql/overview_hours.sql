-- Counts sales by day of the week and hour.
-- Inputs: receipts; $first and $as_of, the window's days. Grain: one row per weekday (1 Monday) and hour (−1 where only the day is known) that has a
-- sale. Output: weekday, hour, sales, days with one.
select isodow(business_date)::integer, coalesce(hour(sold_at), -1)::integer, count(*), count(distinct business_date)
from main.receipts
where kind = 'sale' and bought > 0 and not superseded
    and business_date between date '1970-01-01' + $first::integer and date '1970-01-01' + $as_of::integer
group by 1, 2
order by 1, 2
