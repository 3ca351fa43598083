-- Health of an Application inside another Application: its own. Argo CD has had none built in since 1.8, so that an
-- app of apps, or a sync wave of Applications, would count as healthy before its children are.
local health = {status = "Progressing", message = "Waiting for Argo CD to look at it"}
if obj.status ~= nil and obj.status.health ~= nil and obj.status.health.status ~= nil then
  health.status = obj.status.health.status
  health.message = obj.status.sync ~= nil and obj.status.sync.status or ""
end
return health
