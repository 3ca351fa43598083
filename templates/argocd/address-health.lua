-- Health of an Ingress, or of a Service of type LoadBalancer: good once its controller has written an address. Many
-- controllers never do; the annotation says so, or each release would wait for it until it is overdue.
local annotations = obj.metadata.annotations or {}
local waits = obj.kind == "Ingress" or (obj.spec ~= nil and obj.spec.type == "LoadBalancer")
local addresses = nil
if obj.status ~= nil and obj.status.loadBalancer ~= nil then
  addresses = obj.status.loadBalancer.ingress
end
-- Argo CD gives scripts no `string.lower`.
local skips = {["false"] = true, ["False"] = true, ["FALSE"] = true}
if waits and not skips[annotations["slipway.dev/wait-for-address"] or ""] and (addresses == nil or #addresses == 0) then
  return {
    status = "Progressing",
    message = "has no address; if its controller never writes one, annotate slipway.dev/wait-for-address: \"false\"",
  }
end
return {status = "Healthy"}
