-- Holds the best customers against all who were scored.
-- Inputs: scores, runs, receipts, goods; $patterns of the sensitive product groups, $currency, $decimals. Grain: one row per kind and value; of groups
-- and stores the twenty-four that count most. Output: kind, value, the best's figure, all's: basis points of turnover (group) or of receipts
-- (store, weekday, hour), minor units or thousandths per receipt (basket).
with run as (
    select max_by(as_of, run_id) as as_of, max_by(first_day, run_id) as first_day, greatest(2, max_by(scores, run_id) - 1) as high from main.runs
), hidden as (
    select code
    from (select distinct coalesce(nullif(group_code, ''), sku) as code from main.goods where $patterns <> '')
    where exists (select 1 from (select unnest(string_split($patterns, chr(31))) as pattern) where code like pattern escape '!')
), bought as (
    select receipt_id, store, business_date, sold_at, f >= high and m >= high as best
    from main.receipts join main.scores using (account_id), run
    where standing = 'scored' and kind = 'sale' and bought > 0 and not superseded and business_date between first_day and as_of
        and (currency is null or currency = $currency)
), sold as (
    select bought.*, group_code, quantity, amount
    from main.goods join bought using (receipt_id)
    where merchandise and not returned and coalesce(nullif(group_code, ''), sku, '') not in (select code from hidden)
), receipts as (
    select receipt_id, any_value(store) as store, any_value(business_date) as business_date, any_value(sold_at) as sold_at, any_value(best) as best,
        sum(quantity) as pieces, sum(amount) as amount
    from sold
    group by receipt_id
), figures as (
    select 'group' as kind, group_code as value, best, sum(amount) as weight from sold where group_code is not null group by all
    union all
    select 'store', store, best, count(*) from receipts group by all
    union all
    select 'weekday', ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'][isodow(business_date)], best, count(*) from receipts group by all
    union all
    select 'hour', format('{:02d}', hour(sold_at)), best, count(*) from receipts where sold_at is not null and sold_at <> date_trunc('day', sold_at) group by all
), shares as (
    select kind, value,
        coalesce(sum(weight) filter (best), 0) as best, sum(weight) as everybody,
        sum(coalesce(sum(weight) filter (best), 0)) over (partition by kind) as best_total, sum(sum(weight)) over (partition by kind) as total
    from figures
    group by kind, value
    qualify row_number() over (partition by kind order by sum(weight) desc, value) <= 24
), traits as (
    select kind, value,
        coalesce(floor(best * 10000 / nullif(best_total, 0)), 0)::bigint as of_best, coalesce(floor(everybody * 10000 / nullif(total, 0)), 0)::bigint as of_all
    from shares
    union all
    select 'basket', 'money', coalesce(floor(sum(amount) filter (best) * pow(10, $decimals) / nullif(count(*) filter (best), 0)), 0)::bigint,
        coalesce(floor(sum(amount) * pow(10, $decimals) / nullif(count(*), 0)), 0)::bigint
    from receipts
    union all
    select 'basket', 'pieces', coalesce(floor(sum(pieces) filter (best) * 1000 / nullif(count(*) filter (best), 0)), 0)::bigint,
        coalesce(floor(sum(pieces) * 1000 / nullif(count(*), 0)), 0)::bigint
    from receipts
)
select kind, value, of_best, of_all
from traits
order by kind, case when kind = 'weekday' then list_position(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], value) end,
    case when kind = 'hour' then value end, of_all desc, value
