#!/bin/bash
# A pod in the shape of a weaver is accepted, runs, prints, and is gone after its delete.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

pod_prints()
{
	k logs box | grep -q '^weaver ready'
}

k create --validate=false -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata:
  name: box
  labels: {loom.dev/managed: "true"}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 5
  containers:
  - name: weaver
    image: $TEST_IMAGE
    args: [sh, -c, "echo weaver ready; exec sh"]
    stdin: true
    tty: true
    resources: {limits: {cpu: 900m, memory: 1920Mi}, requests: {cpu: 450m, memory: 960Mi}}
    securityContext:
      runAsNonRoot: true
      runAsUser: 1000
      runAsGroup: 1000
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}
      seccompProfile: {type: RuntimeDefault}
END
k wait --for=condition=Ready pod/box --timeout=30s >/dev/null
wait_for 10 pod_prints
assert_eq weaver "$(k get pod box -o 'jsonpath={.status.containerStatuses[0].name}')"
k delete pod box --timeout=30s >/dev/null
expect_fail k get pod box
