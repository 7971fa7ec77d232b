-- Says how customers stand beyond their scores. A customer's usual days between two visits are the median of the customer's own, the last one
-- left out, or, of who came fewer than three times, of the chain's. Who is away for more than twice that is fading; who came back after more
-- than three times that has returned. Long is who has been a customer for as long as half of all, high who spends as much as half of all. What a
-- lever would bring is what the account would spend if it did as the best quarter does in that one respect and stayed as it is in the others;
-- the lever is the one that brings most.
-- Inputs: scores, visited, breadth, outlook_marks; $run, $as_of. Grain: one row per account that was scored or has lapsed. Changes: outlooks.
insert into main.outlooks
with marks as (
    select * from main.outlook_marks where run_id = $run
), habits as (
    select
        account_id, min(day) as first_day, max(day) as last_day, count(*) as visit_days,
        quantile_disc(gap, 0.5) filter (gap is not null and back > 1) as own_days,
        max(gap) filter (back = 1) as last_gap
    from temp.main.visited
    group by account_id
), measured as (
    select
        scores.account_id, standing = 'scored' as scored, scores.frequency, monetary_minor,
        (date '1970-01-01' + $as_of::integer - first_day)::integer as customer_days,
        visit_days,
        greatest(7, coalesce(own_days, marks.usual_days, 7))::integer as usual,
        (date '1970-01-01' + $as_of::integer - last_day)::integer as since_days,
        last_gap,
        coalesce(breadth.groups, 0) as groups,
        greatest(0, monetary_minor) // nullif(scores.frequency, 0) as basket
    from main.scores
    join habits on habits.account_id = scores.account_id
    left join temp.main.breadth on breadth.account_id = scores.account_id, marks
    where standing in ('scored', 'lapsed')
), gains as (
    select measured.*,
        (greatest(0, marks.frequency - measured.frequency)::hugeint * basket) as by_frequency,
        (greatest(0, marks.basket_minor - basket)::hugeint * measured.frequency) as by_basket,
        case when measured.groups > 0
            then greatest(0, marks.groups - measured.groups)::hugeint * greatest(0, monetary_minor) // measured.groups else 0 end as by_groups,
        marks.long_days, marks.high_minor
    from measured, marks
)
select
    account_id, customer_days, visit_days, usual, since_days,
    case
        when since_days > 2 * usual then 'fading'
        when last_gap > 3 * usual then 'returned'
        when visit_days = 1 then 'first'
        when visit_days = 2 then 'second'
        else 'regular'
    end,
    case when since_days > 4 * usual then 'gone' when since_days > 2 * usual then 'leaving' when 2 * since_days > 3 * usual then 'late' else 'steady' end,
    case
        when not scored then null
        when customer_days >= long_days then case when monetary_minor >= high_minor then 'supporter' else 'friend' end
        else case when monetary_minor >= high_minor then 'acquaintance' else 'passer_by' end
    end,
    groups,
    case
        when not scored then null
        when greatest(by_frequency, by_basket, by_groups) <= 0 then 'pamper'
        when by_frequency >= by_basket and by_frequency >= by_groups then 'frequency'
        when by_basket >= by_groups then 'basket'
        else 'cross_sell'
    end,
    case when scored then least(greatest(by_frequency, by_basket, by_groups, 0), 9223372036854775807)::bigint end
from gains
order by account_id
