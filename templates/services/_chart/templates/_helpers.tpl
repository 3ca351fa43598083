{{/* What objects are called: pull requests of a service run beside each other, each under a name of its own. */}}
{{- define "service.name" -}}
{{ (.Values.global).instance | default .Chart.Name }}
{{- end }}

{{/* "true" once a release was written for this environment; every template asks it first. */}}
{{- define "service.released" -}}
{{- if or .Values.release.digest .Values.release.tag }}true{{ end }}
{{- end }}

{{/* A release is a digest; a commit of a pull request is a tag, which Argo CD can make up. */}}
{{- define "service.image" -}}
{{- if .Values.release.digest -}}
{{ printf "%s@%s" .Values.release.image .Values.release.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.release.image .Values.release.tag }}
{{- end }}
{{- end }}

{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* A version may have a `+`, which a label may not. */}}
{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/version: {{ regexReplaceAll "[^A-Za-z0-9._-]" .Values.release.version "_" | trunc 63 | trimSuffix "." | quote }}
{{- end }}

{{- define "service.secretName" -}}
{{ include "service.name" . }}-secrets
{{- end }}

{{/* "true" where a Secret is made out of what the backend is given. */}}
{{- define "service.hasSecrets" -}}
{{- $given := dict
      "external-secrets" .Values.secrets.data
      "sealed-secrets" .Values.secrets.encryptedData
      "sops" .Values.secrets.document }}
{{- if get $given .Values.secrets.backend }}true{{ end }}
{{- end }}

{{/* "true" where the Prometheus operator is there to take a ServiceMonitor. */}}
{{- define "service.monitored" -}}
{{- if and .Values.metrics.enabled (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") }}true{{ end }}
{{- end }}

{{/* Who a trace is from, for OpenTelemetry; what `config` says comes first. */}}
{{- define "service.telemetry" -}}
{{- if not (hasKey .Values.config "OTEL_SERVICE_NAME") -}}
- name: OTEL_SERVICE_NAME
  value: {{ .Chart.Name }}
{{ end -}}
{{- if not (hasKey .Values.config "OTEL_RESOURCE_ATTRIBUTES") -}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: service.version={{ .Values.release.version | replace "+" "%2B" }},k8s.namespace.name={{ .Release.Namespace }}
{{- end -}}
{{- end }}
