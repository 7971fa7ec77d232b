-- Notes lines of a file that are no rows.
-- Inputs: unread (as DuckDB reports them), $file. Grain: one row per such line. Output: into rejected.
insert into temp.main.rejected
select
    $file::integer, line, true,
    case any_value(error_type)
        when 'TOO MANY COLUMNS' then 'has more columns than the heading'
        when 'MISSING COLUMNS' then 'has fewer columns than the heading'
        when 'UNQUOTED VALUE' then 'a quotation mark is not closed'
        when 'INVALID ENCODING' then 'is not text in the encoding the mapping names'
        when 'LINE SIZE OVER MAXIMUM' then 'is longer than a row can be'
        else lower(any_value(error_type))
    end,
    [trim(any_value(csv_line), chr(10) || chr(13))]
from temp.main.unread
group by line
