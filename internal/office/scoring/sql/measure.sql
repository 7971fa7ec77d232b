-- Measures every account as of a day.
-- Inputs: counted, customers; $first and $as_of, the window's days; $by_time, whether recency counts 24 hours from the time; $currency; $visits,
-- whether frequency counts visits or receipts; $net, whether money is less what came back; $basis, $leave_out, $imported, who is scored; any, what
-- stands before `visit` where a visit with nothing but sensitive goods is told apart: any_. Grain: one row per account with a counted receipt.
-- Output: measured.
create temp table measured as
with marked as (
    -- Money in ten-thousandths: whole numbers add up several times as fast as decimals.
    select
        account_id, business_date, coalesce(sold_at, business_date) as moment,
        business_date >= date '1970-01-01' + $first::integer as inside,
        (store, business_date) as day, any_visit, visit,
        (sold * 10000)::bigint as sold, (returned * 10000)::bigint as returned,
        (sensitive_sold * 10000)::bigint as sensitive_sold, (sensitive_returned * 10000)::bigint as sensitive_returned
    from counted($as_of, $currency)
    where account_id is not null
), accounts as (
    select
        account_id,
        min(business_date) filter (visit) as first_receipt,
        max(business_date) filter (visit) as last_receipt,
        max(moment) filter (visit and $by_time) as last_time,
        count(distinct day) filter (visit and inside) as visits,
        count(*) filter (visit and inside) as receipts,
        count(distinct day) filter (/*any*/visit and inside) as all_visits,
        coalesce(sum(sold) filter (inside), 0) as sold,
        coalesce(sum(returned) filter (inside), 0) as returned,
        coalesce(sum(sensitive_sold) filter (inside), 0) as sensitive_sold,
        coalesce(sum(sensitive_returned) filter (inside), 0) as sensitive_returned
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
        end as why,
        sold - sensitive_sold + case when $net then returned - sensitive_returned else 0 end as money,
        sold + returned as spent
    from accounts left join main.customers using (account_id)
)
select
    account_id,
    case when why is not null then 'left_out' when last_receipt is null then 'prospect' when visits = 0 then 'lapsed' else 'scored' end as standing,
    why, first_receipt, last_receipt,
    case
        when $by_time then greatest(0, (epoch(date '1970-01-01' + $as_of::integer) - epoch(last_time))::bigint // 86400)
        else (date '1970-01-01' + $as_of::integer - last_receipt)::bigint
    end as recency_days,
    case when $visits then visits else receipts end as frequency,
    -- Rounded once, half away from zero.
    (sign(money) * ((abs(money) + /*unit*/ // 2) // /*unit*/))::bigint as monetary_minor,
    all_visits as visits,
    (sign(spent) * ((abs(spent) + /*unit*/ // 2) // /*unit*/))::bigint as spend_minor
from judged
