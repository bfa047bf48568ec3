{{/* The pod, which is the same in a StatefulSet and in a DaemonSet. */}}
{{- define "zeroboot.pod" -}}
metadata:
  labels:
    {{- include "zeroboot.labels" . | nindent 4 }}
  annotations:
    # Settings are read at the start.
    checksum/settings: {{ include (print $.Template.BasePath "/settings.yaml") . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  # It asks nothing of the cluster.
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add .Values.drainSeconds .Values.shutdownSeconds 10 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    {{- if .Values.kvm.groupId }}
    supplementalGroups: [{{ .Values.kvm.groupId | int64 }}]
    {{- end }}
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: zeroboot
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        # Listening there and not everywhere, it lets in probes and scrapes, which have it in `Host`.
        - name: ZEROBOOT_HOST
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
      envFrom:
        - configMapRef:
            name: {{ include "zeroboot.name" . }}
      ports:
        - name: http
          containerPort: 8080
      startupProbe:
        {{- include "zeroboot.health" . | nindent 8 }}
        periodSeconds: 10
        failureThreshold: {{ div (add .Values.startupSeconds 9) 10 }}
      # 503 while the default template cannot be forked, and from SIGTERM on.
      readinessProbe:
        {{- include "zeroboot.health" . | nindent 8 }}
        periodSeconds: 5
        failureThreshold: 2
      # Not by health, which is 503 while draining: whether it accepts.
      livenessProbe:
        tcpSocket:
          port: http
        periodSeconds: 10
        failureThreshold: 6
      lifecycle:
        preStop:
          exec:
            command: ["sleep", "{{ .Values.drainSeconds }}"]
      resources:
        requests:
          {{- with .Values.resources.requests }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
          {{ .Values.kvm.resource }}: "1"
        limits:
          {{- with .Values.resources.limits }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
          {{ .Values.kvm.resource }}: "1"
      volumeMounts:
        - name: cache
          mountPath: /var/lib/zeroboot
        - name: tmp
          mountPath: /tmp
        - name: keys
          mountPath: /etc/zeroboot/keys
          readOnly: true
        {{- if .Values.tls.existingSecret }}
        - name: tls
          mountPath: /etc/zeroboot/tls
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    - name: keys
      secret:
        secretName: {{ include "zeroboot.keySecret" . }}
        defaultMode: 288 # 0440
    {{- if .Values.tls.existingSecret }}
    - name: tls
      secret:
        secretName: {{ .Values.tls.existingSecret }}
        defaultMode: 288 # 0440
    {{- end }}
    {{- if eq .Values.cache.type "emptyDir" }}
    - name: cache
      emptyDir:
        sizeLimit: {{ .Values.cache.size }}
    {{- else if eq .Values.cache.type "hostPath" }}
    - name: cache
      hostPath:
        path: {{ .Values.cache.hostPath }}
        type: Directory
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "zeroboot.health" -}}
httpGet:
  path: /v1/health
  port: http
  scheme: {{ ternary "HTTPS" "HTTP" (ne .Values.tls.existingSecret "") }}
timeoutSeconds: 5
{{- end -}}
