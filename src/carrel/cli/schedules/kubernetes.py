"""A manifest for Kubernetes."""

from datetime import timedelta

from carrel.cli.schedules.place import Place, cron_of
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where it is to run.

    Attributes:
        namespace: Of everything in the manifest.
        image: A container image that has Carrel in it.
    """

    namespace: str
    image: str


_MANIFEST = """\
# Carrel governs the fleet by a timer of Kubernetes. Before:
#   1. An image with Carrel in it, such as one built from
#        FROM python:3.12-slim
#        RUN pip install 'carrel[coder,notify,policy,postgres]'
#   2. Settings and token, as a secret ({settings}):
#        kubectl create namespace {namespace}
#        kubectl -n {namespace} create secret generic carrel \\
#          --from-file=carrel.toml --from-file=token
#   3. carrel schedule kubernetes --image IMAGE | kubectl apply -f -
# The volume holds the database. With database.url of a PostgreSQL it can be left out.
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: carrel-home
  namespace: {namespace}
  labels: {{app.kubernetes.io/name: carrel}}
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 2Gi
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: carrel-govern
  namespace: {namespace}
  labels: {{app.kubernetes.io/name: carrel}}
spec:
  schedule: "{schedule}"
  timeZone: Etc/UTC
  # A pass that is still at work is left to it. What is ended in the middle goes on with the next.
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 120
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: 3600
      template:
        metadata:
          labels: {{app.kubernetes.io/name: carrel}}
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            runAsGroup: 10001
            fsGroup: 10001
            seccompProfile: {{type: RuntimeDefault}}
          containers:
            - name: carrel
              image: "{image}"
              command: [carrel, govern, --once, --json]
              env:
                - {{name: HOME, value: /tmp}}
                - {{name: CARREL_HOME, value: /var/lib/carrel}}
                - {{name: CARREL_CONFIG, value: /etc/carrel/carrel.toml}}
{url}                - name: CODER_SESSION_TOKEN
                  valueFrom:
                    secretKeyRef: {{name: carrel, key: token}}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities: {{drop: [ALL]}}
              resources:
                requests: {{cpu: 100m, memory: 128Mi}}
                limits: {{memory: 512Mi}}
              volumeMounts:
                - {{name: home, mountPath: /var/lib/carrel}}
                - {{name: settings, mountPath: /etc/carrel, readOnly: true}}
                - {{name: tmp, mountPath: /tmp}}
          volumes:
            - name: home
              persistentVolumeClaim: {{claimName: carrel-home}}
            - name: settings
              secret:
                secretName: carrel
                items: [{{key: carrel.toml, path: carrel.toml}}]
            - name: tmp
              emptyDir: {{}}
"""


def manifest(place: Place, every: timedelta, cluster: Cluster) -> str:
    """Return the claim and the timed job that govern a fleet."""
    url = ""
    if place.url:
        url = f'                - {{name: CODER_URL, value: "{place.url}"}}\n'
    return _MANIFEST.format(
        namespace=cluster.namespace,
        image=cluster.image,
        schedule=cron_of(every),
        settings=place.config or f"{place.home}/carrel.toml",
        url=url,
    )
