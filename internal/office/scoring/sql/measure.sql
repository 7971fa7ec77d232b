-- Measures every account as of a day.
-- Inputs: counted, customers; $first and $as_of, the window's days; $currency; $visits, whether frequency counts visits or receipts; $basis,
-- $leave_out, $imported, who is scored. What is not asked for is not added up, so that these stand in the text: money, the part of a receipt's
-- money that counts; last time, of the last visit, null where recency counts days; any, what stands before `visit` where a visit with nothing but
-- sensitive goods is told apart: any_. Grain: one row per account with a counted receipt. Output: measured.
create temp table measured as
with marked as (
    -- Money in ten-thousandths: whole numbers add up faster than decimals.
    select
        account_id, business_date, sold_at, (store, business_date) as day, any_visit, visit,
        business_date >= date '1970-01-01' + $first::integer as inside,
        ((/*money*/) * 10000)::bigint as money, ((sold + returned) * 10000)::bigint as spent
    from counted($as_of, $currency)
    where account_id is not null
), accounts as (
    select
        account_id,
        min(business_date) filter (visit) as first_receipt,
        max(business_date) filter (visit) as last_receipt,
        /*last time*/ as last_time,
        count(distinct day) filter (visit and inside) as visits,
        count(*) filter (visit and inside) as receipts,
        count(distinct day) filter (/*any*/visit and inside) as all_visits,
        coalesce(sum(money) filter (inside), 0)::bigint as money,
        coalesce(sum(spent) filter (inside), 0)::bigint as spent
    from marked
    group by account_id
), judged as (
    select accounts.*,
        case
            when $imported then 'imported'
            when customers.objected then 'objected'
            when customers.minor then 'minor'
            when list_has_any(customers.groups, string_split($leave_out, ',')) then 'group'
            when $basis = 'none' then 'no_basis'
            when $basis = 'consent' and not coalesce(customers.profiling, false) then 'no_consent'
        end as why
    from accounts left join main.customers using (account_id)
)
select
    account_id,
    case when why is not null then 'left_out' when last_receipt is null then 'prospect' when visits = 0 then 'lapsed' else 'scored' end as standing,
    why, first_receipt, last_receipt,
    case
        when last_time is not null then greatest(0, (epoch(date '1970-01-01' + $as_of::integer) - epoch(last_time))::bigint // 86400)
        else (date '1970-01-01' + $as_of::integer - last_receipt)::bigint
    end as recency_days,
    case when $visits then visits else receipts end as frequency,
    -- Rounded once, half away from zero.
    (sign(money) * ((abs(money) + /*unit*/ // 2) // /*unit*/))::bigint as monetary_minor,
    all_visits as visits,
    (sign(spent) * ((abs(spent) + /*unit*/ // 2) // /*unit*/))::bigint as spend_minor
from judged
