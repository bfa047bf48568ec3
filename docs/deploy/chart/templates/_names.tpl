{{- define "zeroboot.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "zeroboot.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "zeroboot.labels" -}}
{{ include "zeroboot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The Secret of keys, which there must be: the server listens on the pod's address. */}}
{{- define "zeroboot.keySecret" -}}
{{- if .Values.apiKeys.existingSecret -}}
{{- .Values.apiKeys.existingSecret -}}
{{- else -}}
{{- $_ := required "apiKeys.existingSecret or apiKeys.value is required: who has no key may not run code" .Values.apiKeys.value -}}
{{- include "zeroboot.name" . }}-keys
{{- end -}}
{{- end -}}

{{/* The names by which the Service is addressed, and those that were given. */}}
{{- define "zeroboot.hosts" -}}
{{- $name := include "zeroboot.name" . -}}
{{- $space := .Release.Namespace -}}
{{- $own := list $name (printf "%s.%s" $name $space) (printf "%s.%s.svc" $name $space) (printf "%s.%s.svc.cluster.local" $name $space) -}}
{{- $ingress := list -}}
{{- if and .Values.ingress.enabled .Values.ingress.host -}}
{{- $ingress = list .Values.ingress.host -}}
{{- end -}}
{{- concat $own .Values.allowHosts $ingress | uniq | join "," -}}
{{- end -}}
