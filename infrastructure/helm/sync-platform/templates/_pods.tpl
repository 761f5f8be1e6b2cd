{{/* What all pods have in common. Each definition takes a dictionary: root ($), component, account, and its own. */}}

{{- define "sync-platform.labels" -}}
app.kubernetes.io/name: sync-platform
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "sync-platform.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sync-platform.labels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Why checks of checkov are left out. */}}
{{- define "sync-platform.skips" -}}
checkov.io/skip1: CKV_K8S_43=a digest is a value of the release, image.digest
checkov.io/skip2: CKV_K8S_35=the program reads its settings from the environment
checkov.io/skip3: CKV_K8S_15=a version of the image never changes, the repository refuses that
checkov.io/skip4: CKV_K8S_11=a limit of CPU would slow a pod down beside idle cores, memory is limited
checkov.io/skip5: CKV_K8S_9=nothing connects to this pod
checkov.io/skip6: CKV_K8S_38=this pod starts or ends the pods of runs
{{- end }}

{{- define "sync-platform.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}{{ $image.repository }}@{{ $image.digest }}
{{- else -}}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end }}

{{- define "sync-platform.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "sync-platform.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* How long a pod stays bound to a node that is gone. Kubernetes' own five minutes are long for a run that nobody does. */}}
{{- define "sync-platform.tolerations" -}}
{{- range list "not-ready" "unreachable" }}
- {key: node.kubernetes.io/{{ . }}, operator: Exists, effect: NoExecute, tolerationSeconds: {{ $.Values.nodeGoneS }}}
{{- end }}
{{- end }}

{{/* Folders that may be written: the home of the program, that of Dagster, and temporary files. */}}
{{- define "sync-platform.mounts" -}}
- {name: home, mountPath: /var/lib/sync-platform}
- {name: temporary, mountPath: /tmp}
- {name: dagster, mountPath: /var/lib/dagster/dagster.yaml, subPath: dagster.yaml, readOnly: true}
{{- if .keys }}
- {name: keys, mountPath: /etc/sync-platform/keys, readOnly: true}
{{- end }}
{{- end }}

{{- define "sync-platform.volumes" -}}
- name: home
  emptyDir: {sizeLimit: {{ .size }}}
- name: temporary
  emptyDir: {sizeLimit: {{ .size }}}
- name: dagster
  configMap: {name: sync-platform-dagster{{ .suffix }}}
{{- with .keys }}
- name: keys
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{/* The settings of a pod: those of the chart, then the secrets. */}}
{{- define "sync-platform.environment" -}}
- configMapRef: {name: sync-platform-settings{{ .suffix }}}
- secretRef: {name: {{ index .root.Values.secrets .secret }}}
{{- end }}

{{/* The template of a pod that runs one command of the program. */}}
{{- define "sync-platform.pod" -}}
metadata:
  labels:
    {{- include "sync-platform.labels" . | nindent 4 }}
  {{- if not .suffix }}
  annotations:
    checksum/settings: {{ include (print .root.Template.BasePath "/settings.yaml") .root | sha256sum }}
  {{- end }}
spec:
  serviceAccountName: {{ .account }}
  automountServiceAccountToken: {{ .usesKubernetes | default false }}
  enableServiceLinks: false
  securityContext:
    {{- include "sync-platform.podSecurity" . | nindent 4 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  terminationGracePeriodSeconds: 60
  tolerations:
    {{- include "sync-platform.tolerations" .root | trim | nindent 4 }}
  {{- if .restartPolicy }}
  restartPolicy: {{ .restartPolicy }}
  {{- end }}
  {{- if .spread }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      matchLabelKeys: [pod-template-hash] # pods of the version before, which end, do not count
      labelSelector:
        matchLabels:
          {{- include "sync-platform.labels" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "sync-platform.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{ toJson (prepend .args "sync-platform") }}
      envFrom:
        {{- include "sync-platform.environment" . | nindent 8 }}
      {{- with .port }}
      ports:
        - {name: main, containerPort: {{ . }}, protocol: TCP}
      lifecycle: # requests still come for a moment after Kubernetes has decided to end the pod
        preStop:
          exec: {command: [sleep, "15"]}
      {{- end }}
      securityContext:
        {{- include "sync-platform.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      {{- with .probes }}
      {{- . | nindent 6 }}
      {{- end }}
      volumeMounts:
        {{- include "sync-platform.mounts" . | nindent 8 }}
  volumes:
    {{- include "sync-platform.volumes" (merge (dict "size" .root.Values.temporary.services) .) | nindent 4 }}
{{- end }}
