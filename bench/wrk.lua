-- What wrk sends, and what it tells in the end, as one line of JSON.
local body = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method = "POST"
wrk.body = body:read("*a")
body:close()
for name, value in string.gmatch(os.getenv("BENCH_FIELDS") or "", "([^:\n]+): ([^\n]+)") do
  wrk.headers[name] = value
end
wrk.headers["Host"] = os.getenv("BENCH_HOST")
if os.getenv("BENCH_GET") then
  wrk.method = "GET"
  wrk.body = nil
else
  wrk.headers["Content-Type"] = "application/json"
end

local format = wrk.format
if os.getenv("BENCH_CHUNKED") then
  local chunks = string.format("%x\r\n%s\r\n0\r\n\r\n", #wrk.body, wrk.body)
  wrk.body = nil
  wrk.headers["Transfer-Encoding"] = "chunked"
  wrk.format = function(...) return format(...) .. chunks end
end

-- The first request of each connection is a preflight, as browsers send it.
if os.getenv("BENCH_PREFLIGHTS") then
  -- wrk asks for one request more, to see whether it is complete.
  local left = tonumber(os.getenv("BENCH_PREFLIGHTS")) + 1
  local preflight, call
  function request()
    if left == 0 then return call end
    left = left - 1
    call = call or wrk.format()
    preflight = preflight or format("OPTIONS", nil, {
      ["Origin"] = "https://app.example",
      ["Access-Control-Request-Method"] = "POST",
      ["Access-Control-Request-Headers"] = "content-type",
    }, "")
    return preflight
  end
end

-- Different requests in turn.
local turns = tonumber(os.getenv("BENCH_TURNS") or 0)
if turns > 0 then
  local requests = {}
  local turn = 0

  function init()
    for i = 1, turns do requests[i] = wrk.format(nil, (wrk.path:gsub("{turn}", i))) end
  end

  function request()
    turn = turn % turns + 1
    return requests[turn]
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%f,"failed":%d,"p50Ms":%f,"p99Ms":%f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
