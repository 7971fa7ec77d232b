-- Replaces the pictures. A visit weighs half of one made 90 days later; weights are reckoned back from the account's own last visit. Habits are
-- told from three visits on: a weekday, a part of the day or a channel when half of the weight or more falls on it, a season when half of the visits of more
-- than a year do.
-- Inputs: purchases, carts, bought, items, goods, articles, mixes, others (what else would go with what the account buys). Changes: pictures.
delete from main.pictures;
insert into main.pictures
with weighed as (
    select *,
        (1000000 * pow(0.5, (max(day) over (partition by account_id) - day) / 90.0))::bigint as weight,
        count(*) over (partition by account_id) as visits,
        max(day) over (partition by account_id) - min(day) over (partition by account_id) as span
    from temp.main.carts
), branded as (
    select distinct receipt_id, brand
    from main.goods join main.articles using (sku)
    where brand is not null and merchandise and not goods.returned
        and coalesce(nullif(goods.group_code, ''), sku) not in (select code from temp.main.items where item is null)
), summed as (
    select
        account_id, any_value(visits) as visits, sum(weight) as weight,
        sum(greatest(0, spend) * weight) as money, sum(greatest(0, promotion) * weight) as promotion
    from weighed
    group by account_id
), ranked as (
    select account_id, kind, word, weight, row_number() over (partition by account_id, kind order by weight desc, word) as place
    from (
        select account_id, 'weekday' as kind, isodow(day)::varchar as word, sum(weight) as weight from weighed group by all
        union all
        select account_id, 'store', store, sum(weight) from weighed group by all
        union all
        select account_id, 'channel', coalesce(channel, 'store'), sum(weight)
        from weighed where exists (select 1 from temp.main.purchases where channel is not null) group by all
        union all
        -- A time of exactly midnight is a day without a time.
        select account_id, 'hours',
            case when hour(sold_at) < 12 then 'morning' when hour(sold_at) < 14 then 'midday' when hour(sold_at) < 17 then 'afternoon' else 'evening' end,
            sum(weight)
        from weighed where sold_at is not null and sold_at <> sold_at::date group by all
        union all
        select account_id, 'season',
            case when month(day) in (3, 4, 5) then 'spring' when month(day) in (6, 7, 8) then 'summer' when month(day) in (9, 10, 11) then 'autumn' else 'winter' end,
            count(*)
        from weighed where span >= 365 group by all
        union all
        select bought.account_id, 'group', item, sum(weight)
        from temp.main.bought join weighed using (receipt_id) group by all
        union all
        select weighed.account_id, 'brand', brand, sum(weight)
        from branded join weighed using (receipt_id) group by all
    )
), habits as (
    select
        account_id,
        max(word) filter (kind = 'weekday') as weekday, max(ranked.weight) filter (kind = 'weekday') as weekday_weight,
        max(word) filter (kind = 'hours') as hours, max(ranked.weight) filter (kind = 'hours') as hours_weight,
        max(word) filter (kind = 'season') as season, max(ranked.weight) filter (kind = 'season') as season_visits,
        max(word) filter (kind = 'store') as store,
        max(word) filter (kind = 'channel') as channel, max(ranked.weight) filter (kind = 'channel') as channel_weight,
        max(word) filter (kind = 'group') as favourite,
        max(word) filter (kind = 'brand') as brand
    from ranked
    where place = 1
    group by account_id
), mixed as (
    select account_id, count(*) as breadth, max(share_percent) as share, arg_max(item, (share_percent, -rank)) as item
    from (select *, row_number() over (partition by account_id order by item) as rank from main.mixes)
    group by account_id
)
select
    account_id, coalesce(favourite, ''), coalesce(brand, ''), coalesce(breadth, 0),
    case when visits >= 3 and money > 0 then round(100.0 * promotion / money)::integer end,
    case when visits >= 3 and weekday_weight * 2 >= summed.weight then weekday::integer else 0 end,
    case when visits >= 3 and hours_weight * 2 >= summed.weight then hours else '' end,
    case when visits >= 3 and season_visits * 2 >= visits then season else '' end,
    store,
    case when breadth is null then '' when share >= 50 then mixed.item else 'mixed' end,
    coalesce(items, []),
    case when visits >= 3 and channel_weight * 2 >= summed.weight then channel else '' end
from summed
join habits using (account_id)
left join mixed using (account_id)
left join (select account_id, list(item order by place) as items from temp.main.others group by account_id) as others using (account_id)
order by account_id
