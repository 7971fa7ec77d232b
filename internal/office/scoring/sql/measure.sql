-- Measures every account as of a day.
-- Inputs: receipts, customers, sensitive (what scores leave out of a receipt and tiers do not); $first and $as_of, the window's days; $by_time,
-- whether recency counts 24 hours from the time; $currency; $remove, whether a receipt that came back whole counts no visit; $visits, whether
-- frequency counts visits or receipts; $net, whether money is less what came back; $basis, $leave_out, $imported, who is scored; any, what stands
-- before `visit` where a visit with nothing but sensitive goods is told apart: any_. Grain: one row per account with a counted receipt. Output: measured.
create temp table measured as
with voided as (
    select original_store, original_till, original_business_date, original_receipt_no
    from main.receipts
    where kind = 'post_void' and original_receipt_no is not null and business_date <= date '1970-01-01' + $as_of::integer
), counted as not materialized (
    select
        receipt_id, store, till, business_date, receipt_no, kind, account_id, sold_at, bought, sold, returned,
        original_store, original_till, original_business_date, original_receipt_no
    from main.receipts anti join voided
        on voided.original_receipt_no = receipts.receipt_no and voided.original_store = receipts.store
            and voided.original_till = receipts.till and voided.original_business_date = receipts.business_date
    where kind in ('sale', 'return') and not superseded and account_id is not null
        and business_date <= date '1970-01-01' + $as_of::integer and (currency is null or currency = $currency)
), back as (
    select original_receipt_no, original_store, original_till, original_business_date, receipt_id, account_id, business_date, returned
    from counted
    where original_receipt_no is not null and $remove
), brought_back as (
    -- Sales that came back whole: all their goods, by returns that name them.
    select sale.receipt_id
    from counted as sale
    join back
        on back.original_receipt_no = sale.receipt_no and back.original_store = sale.store and back.receipt_id <> sale.receipt_id
            and coalesce(back.original_till = sale.till, true)
            -- A return that names no day is of the account's own.
            and coalesce(back.original_business_date = sale.business_date,
                back.account_id = sale.account_id and sale.business_date <= back.business_date)
    where sale.kind = 'sale'
    group by sale.receipt_id
    having any_value(sale.sold + sale.returned) + sum(back.returned) <= 0
), marked as (
    -- Whether a receipt is a visit, and whether it would be with what is sensitive.
    select
        account_id, business_date, coalesce(sold_at, business_date) as moment,
        business_date >= date '1970-01-01' + $first::integer as inside,
        (store, business_date) as day,
        kind = 'sale' and counted.bought > 0 and brought_back.receipt_id is null as any_visit,
        any_visit and counted.bought > coalesce(sensitive.bought, 0) as visit,
        counted.sold, counted.returned, sensitive.sold as sensitive_sold, sensitive.returned as sensitive_returned
    from counted left join brought_back using (receipt_id) left join temp.main.sensitive using (receipt_id)
), accounts as (
    select
        account_id,
        min(business_date) filter (visit) as first_receipt,
        max(business_date) filter (visit) as last_receipt,
        max(moment) filter (visit) as last_time,
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
        end as why
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
    (((sold - sensitive_sold + case when $net then returned - sensitive_returned else 0 end)::decimal(38, /*places*/)) * /*factor*/)::bigint as monetary_minor,
    all_visits as visits,
    (((sold + returned)::decimal(38, /*places*/)) * /*factor*/)::bigint as spend_minor
from judged
