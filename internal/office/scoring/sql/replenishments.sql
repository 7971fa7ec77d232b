-- Replaces what is bought again and again: items bought on at least four days of the account's last two years, at intervals of three days or more
-- whose middle half differs by no more than the median itself. After two intervals without the item nothing is expected any more.
-- Inputs: bought; $as_of, the run's day. Changes: replenishments.
delete from main.replenishments;
insert into main.replenishments
with days as (
    select distinct account_id, item, day from temp.main.bought where account_id is not null
), gaps as (
    select account_id, item, day, day - lag(day) over (partition by account_id, item order by day) as gap
    from days
    qualify day > max(day) over (partition by account_id) - 730
), measured as (
    select
        account_id, item, count(*) as purchases, max(day) as last_day,
        quantile_disc(gap, 0.5) as every, quantile_disc(gap, 0.75) - quantile_disc(gap, 0.25) as spread
    from gaps
    group by account_id, item
)
select account_id, item, purchases, every::integer, last_day, last_day + every::integer
from measured
where purchases >= 4 and every >= 3 and spread <= every and date '1970-01-01' + $as_of::integer <= last_day + 3 * every::integer
order by account_id, item
