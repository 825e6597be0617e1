{{/* Names, labels, and the parts that several pods share. */}}

{{- define "lineside.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "lineside.labels" -}}
{{ include "lineside.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Labels that never change in the life of a release. */}}
{{- define "lineside.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Image of a stage of the Dockerfile: (list $ "worker"). */}}
{{- define "lineside.image" -}}
{{- $root := index . 0 -}}
image: {{ printf "%s/%s:%s" $root.Values.image.registry (index . 1) (default $root.Chart.AppVersion $root.Values.image.tag) | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- end -}}

{{- define "lineside.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lineside.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What every pod of the release has. Service links would set LINESIDE_PORT where the release is called lineside. */}}
{{- define "lineside.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.podSecurity.runAsUser }}
  runAsGroup: {{ .Values.podSecurity.fsGroup }}
  fsGroup: {{ .Values.podSecurity.fsGroup }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What every container has: nothing is written but below /tmp, and nothing else may be done. */}}
{{- define "lineside.container" -}}
workingDir: /tmp
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where pods may run that ask for no GPU. */}}
{{- define "lineside.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Resource by which the scheduler knows a GPU or a part of one. */}}
{{- define "lineside.gpuResource" -}}
{{- if eq .Values.gpu.sharing "mig" -}}
nvidia.com/mig-{{ .Values.gpu.migProfile }}
{{- else if eq .Values.gpu.sharing "shared" -}}
{{ .Values.gpu.sharedResource }}
{{- else -}}
nvidia.com/gpu
{{- end -}}
{{- end -}}

{{- define "lineside.probes" -}}
startupProbe:
  # Libraries, weights and the first connection to database and broker: ten minutes at most.
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 5
  failureThreshold: 120
livenessProbe:
  # The watchdog's answer; it repairs what it can by itself first.
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}

{{/* One pod per node where that is possible. (list $ "component") */}}
{{- define "lineside.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "lineside.selector" (index . 0) | nindent 8 }}
        app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Section `broker` of every process's settings, without secrets. */}}
{{- define "lineside.broker" -}}
bootstrap: {{ .Values.kafka.bootstrap | quote }}
{{- with include "lineside.brokerOptions" . }}
options: {{ . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lineside.brokerOptions" -}}
{{- $kafka := .Values.kafka -}}
{{- if or $kafka.tls.enabled $kafka.sasl.enabled }}
security.protocol: {{ printf "%s%s" ($kafka.sasl.enabled | ternary "sasl_" "") ($kafka.tls.enabled | ternary "ssl" "plaintext") | trimPrefix "_" }}
{{- end }}
{{- if and $kafka.tls.enabled $kafka.tls.caSecret }}
ssl.ca.location: /etc/lineside/kafka-ca/{{ $kafka.tls.caKey }}
{{- end }}
{{- if and $kafka.tls.enabled $kafka.tls.clientSecret }}
ssl.certificate.location: /etc/lineside/kafka-client/tls.crt
ssl.key.location: /etc/lineside/kafka-client/tls.key
{{- end }}
{{- if $kafka.sasl.enabled }}
sasl.mechanism: {{ $kafka.sasl.mechanism }}
sasl.username: {{ $kafka.sasl.username | quote }}
{{- end }}
{{- range $name, $value := $kafka.options }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "lineside.brokerEnv" -}}
{{- with .Values.kafka.sasl }}
{{- if .enabled }}
- name: LINESIDE_BROKER__OPTIONS__SASL.PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ .existingSecret }}, key: {{ .passwordKey }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lineside.databaseEnv" -}}
{{- with .Values.database }}
- name: LINESIDE_DATABASE
  valueFrom:
    secretKeyRef: {name: {{ .existingSecret }}, key: {{ .urlKey }}}
- name: PGSSLMODE
  value: {{ .tls.mode }}
{{- if .tls.caSecret }}
- name: PGSSLROOTCERT
  value: /etc/lineside/database-ca/{{ .tls.caKey }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lineside.objectsEnv" -}}
{{- range $name, $value := .Values.objects.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if .Values.objects.existingSecret }}
{{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ $.Values.objects.existingSecret }}, key: {{ $name }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lineside.extraEnv" -}}
{{- range $name, $value := .Values.extraEnv }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Volumes and mounts by need: (dict "root" $ "needs" (list "broker" "database" "objects")). */}}
{{- define "lineside.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- if has "broker" .needs }}
{{- if and $values.kafka.tls.enabled $values.kafka.tls.caSecret }}
- name: kafka-ca
  secret: {secretName: {{ $values.kafka.tls.caSecret }}, defaultMode: 0440}
{{- end }}
{{- if and $values.kafka.tls.enabled $values.kafka.tls.clientSecret }}
- name: kafka-client
  secret: {secretName: {{ $values.kafka.tls.clientSecret }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- if and (has "database" .needs) $values.database.tls.caSecret }}
- name: database-ca
  secret: {secretName: {{ $values.database.tls.caSecret }}, defaultMode: 0440}
{{- end }}
{{- if and (has "objects" .needs) $values.objects.existingClaim }}
- name: objects
  persistentVolumeClaim: {claimName: {{ $values.objects.existingClaim }}}
{{- end }}
{{- end -}}

{{- define "lineside.mounts" -}}
{{- $values := .root.Values -}}
- {name: tmp, mountPath: /tmp}
{{- if has "broker" .needs }}
{{- if and $values.kafka.tls.enabled $values.kafka.tls.caSecret }}
- {name: kafka-ca, mountPath: /etc/lineside/kafka-ca, readOnly: true}
{{- end }}
{{- if and $values.kafka.tls.enabled $values.kafka.tls.clientSecret }}
- {name: kafka-client, mountPath: /etc/lineside/kafka-client, readOnly: true}
{{- end }}
{{- end }}
{{- if and (has "database" .needs) $values.database.tls.caSecret }}
- {name: database-ca, mountPath: /etc/lineside/database-ca, readOnly: true}
{{- end }}
{{- if and (has "objects" .needs) $values.objects.existingClaim }}
- {name: objects, mountPath: /objects}
{{- end }}
{{- end -}}

{{/* A line's own Secret, for both of its pods: passwords of PLCs and cameras as files. */}}
{{- define "lineside.lineVolumes" -}}
{{- with .secret }}
- name: line-secret
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{- define "lineside.lineMounts" -}}
{{- if .secret }}
- {name: line-secret, mountPath: /etc/lineside/secret, readOnly: true}
{{- end }}
{{- end -}}

{{/* Bytes of a size such as 10Gi. */}}
{{- define "lineside.bytes" -}}
{{- $units := dict "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[MGT]i$" .)) -}}
{{- end -}}
