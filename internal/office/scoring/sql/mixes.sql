-- Replaces the product mixes. A purchase weighs half of one made 90 days later; weights are reckoned back from the account's own last visit, so
-- that nothing changes while nothing is bought.
-- Inputs: bought, carts (per receipt: whose, what was spent, and on promotion). Changes: mixes.
delete from main.mixes;
insert into main.mixes
with last as (
    select account_id, max(day) as last_day from temp.main.carts where account_id is not null group by account_id
), totals as (
    select account_id, sum(spend * pow(0.5, (last_day - day) / 90.0)) as total
    from temp.main.carts join last using (account_id)
    group by account_id
), weighed as (
    select
        account_id, item, count(*) as receipts, sum(spend) as spend, sum(spend * pow(0.5, (last_day - day) / 90.0)) as weighed
    from temp.main.bought join last using (account_id)
    group by account_id, item
)
select
    account_id, item, receipts, ((spend::decimal(38, /*places*/)) * /*factor*/)::bigint,
    case when total > 0 then round(100 * greatest(0, weighed) / total)::integer else 0 end
from weighed join totals using (account_id)
order by account_id, item
