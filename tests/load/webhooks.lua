-- For wrk: posts the lines of $REQUESTS (tests/load/presign.c) in turn, each once, from one thread (-t1);
-- at the end prints the number of each status. When the lines are used up it begins again (duplicates).
local lines, at = {}, 0
local threads = {}
statuses = {} -- global: read from outside the thread

function init()
    for line in io.lines(os.getenv("REQUESTS")) do lines[#lines + 1] = line end
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["x-api-key"] = os.getenv("T4G_API_KEY")
end

function request()
    at = at % #lines + 1
    local line = lines[at]
    wrk.headers["x-t4g-signature"] = "sha256=" .. line:sub(1, 64)
    return wrk.format(nil, nil, nil, line:sub(66))
end

function response(status)
    statuses[status] = (statuses[status] or 0) + 1
end

function setup(thread) threads[#threads + 1] = thread end

function done(summary, latency)
    for _, thread in ipairs(threads) do
        for status, n in pairs(thread:get("statuses") or {}) do print("status", status, n) end
    end
    print("requests", summary.requests, "errors", summary.errors.connect + summary.errors.read +
        summary.errors.write + summary.errors.timeout)
    print("p50_us", latency:percentile(50), "p99_us", latency:percentile(99))
end
