-- The load of wrk: METHOD DEPTH [BODY FILE]. Headers come from the command line.
-- The last line printed is the summary, for the harness.

function init(args)
  wrk.method = args[1] or "GET"
  local depth = tonumber(args[2] or "1")
  if args[3] then
    local file = assert(io.open(args[3], "rb"))
    wrk.body = file:read("*a")
    file:close()
  end
  if depth > 1 then
    local batch = string.rep(wrk.format(), depth)
    -- Without this global the request is built once and stays out of Lua.
    request = function()
      return batch
    end
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n@{"requests":%d,"micros":%d,"bytes":%d,"p50":%d,"p99":%d,"socketErrors":%d,"badStatus":%d}\n',
    summary.requests,
    summary.duration,
    summary.bytes,
    latency:percentile(50),
    latency:percentile(99),
    e.connect + e.read + e.write + e.timeout,
    e.status
  ))
end
