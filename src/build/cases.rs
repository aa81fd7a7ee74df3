//! Trees with what `kubectl kustomize` 1.37.1 (kustomize 5.8.1) really printed for them.

use super::tests::Case;

pub(super) const GOOD: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
type: Opaque
"#,
};

pub(super) const EMPTY_PATCH: Case = Case {
    template: r#"# nothing yet
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: ${URL}
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
type: Opaque
"#,
};

pub(super) const TARGET_MATCHES_NOTHING: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
  target:
    kind: Secret
    name: ap
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: ${URL}
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
type: Opaque
"#,
};

pub(super) const BASE_STRING_DATA_WINS: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
data:
  A: ${A64}
stringData:
  B: ${B}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  A: czNjcjN0LWE=
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: s3cr3t-b
type: Opaque
"#,
};

pub(super) const NULL_IN_TEMPLATE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: null
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
type: Opaque
"#,
};

pub(super) const PATCH_REPLACE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  $patch: replace
  A: ${A}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
type: Opaque
"#,
};

pub(super) const PATCH_DELETE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
$patch: delete
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: cfg
"#,
};

pub(super) const DELETE_WITH_ENTRIES: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
$patch: delete
stringData:
  A: ${A}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
---
apiVersion: v1
kind: Secret
metadata:
  name: other
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: ${URL}
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: other
"#,
};

pub(super) const DUPLICATE_KEY: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
  A: ${C}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
type: Opaque
"#,
};

pub(super) const UNQUOTED: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
  PORT: 5432
  DEBUG: true
  EMPTY:
  RATIO: 1e3
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
  LIMIT: 0777
  YES: yes

"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  LIMIT: 511
  URL: s3cr3t-url
  "YES": "yes"
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
  DEBUG: true
  PORT: 5432
  RATIO: 1000
type: Opaque
"#,
};

pub(super) const PREFIX_SUFFIX_NAMESPACE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: web:${TAG}
        envFrom:
        - secretRef: {name: app}
        env:
        - name: MODE
          value: ${MODE}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: side
        image: side:1
        command: [sh, -c, "echo ${POD}"]
      - name: web
        image: web:${TAG}
        envFrom:
        - secretRef: {name: app}
        env:
        - name: MODE
          value: ${MODE}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"namePrefix: stg-
nameSuffix: -v2
namespace: staging
resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: stg-cfg-v2
  namespace: staging
---
apiVersion: v1
kind: Secret
metadata:
  name: stg-app-v2
  namespace: staging
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
type: Opaque
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: stg-web-v2
  namespace: staging
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - env:
        - name: MODE
          value: s3cr3t-mode
        envFrom:
        - secretRef:
            name: stg-app-v2
        image: web:s3cr3t-1.2
        name: web
      - command:
        - sh
        - -c
        - echo ${POD}
        image: side:1
        name: side
"#,
};

pub(super) const GENERATOR_HASH: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: gen
stringData:
  A: ${A}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: gencfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"secretGenerator:
- name: gen
  literals:
  - A=${A}
  - LEFT="${LEFT}"
configMapGenerator:
- name: gencfg
  envs:
  - cfg.env
"##,
        ),
        ("k8/apps/base/app.yml", r##""##),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
        (
            "k8/apps/base/cfg.env",
            r##"# c
URL=${URL}
OTHER=${OTHER}
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  OTHER: ${OTHER}
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: gencfg-5bctm6tfbc
---
apiVersion: v1
data:
  A: JHtBfQ==
  LEFT: JHtMRUZUfQ==
kind: Secret
metadata:
  name: gen-c4g6tgmc49
stringData:
  A: s3cr3t-a
type: Opaque
"#,
};

pub(super) const COMPONENT: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
components:
- ../../../config
"##,
        ),
        (
            "k8/config/kustomization.yml",
            r##"apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- path: staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
type: Opaque
"#,
};

pub(super) const BASE_DATA_RAW: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: example.com/kept
data:
  A: ${A}
  B: JHtCfQ==
  C: aGVsbG8=
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  A: ${A}
  B: JHtCfQ==
  C: aGVsbG8=
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
type: example.com/kept
"#,
};

pub(super) const LATER_PATCH_WINS: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
- patch: |
    apiVersion: v1
    kind: Secret
    metadata:
      name: app
    stringData:
      A: changeme
      Z: ${Z}
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: changeme
  B: s3cr3t-b
  Z: ${Z}
type: Opaque
"#,
};

pub(super) const KEY_NOT_IN_TEMPLATE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: side
        image: side:1
        command: [sh, -c, "echo ${POD}"]
      - name: web
        image: web:${TAG}
        envFrom:
        - secretRef: {name: app}
        env:
        - name: MODE
          value: ${MODE}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: ${URL}
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: ${B}
type: Opaque
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - command:
        - sh
        - -c
        - echo ${POD}
        image: side:1
        name: side
      - env:
        - name: MODE
          value: ${MODE}
        envFrom:
        - secretRef:
            name: app
        image: web:${TAG}
        name: web
"#,
};

pub(super) const TRANSFORMED: Case = Case {
    template: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${REPLICAS}
  template:
    spec:
      containers:
      - name: web
        image: web:${TAG}
        env:
        - name: MODE
          value: ${MODE}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: side
        image: side:1
        command: [sh, -c, "echo ${POD}"]
      - name: web
        image: web:${TAG}
        envFrom:
        - secretRef: {name: app}
        env:
        - name: MODE
          value: ${MODE}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
images:
- name: web
  newTag: pinned
replicas:
- name: web
  count: 5
"##,
        ),
    ],
    output: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 5
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - env:
        - name: MODE
          value: s3cr3t-mode
        envFrom:
        - secretRef:
            name: app
        image: web:pinned
        name: web
      - command:
        - sh
        - -c
        - echo ${POD}
        image: side:1
        name: side
"#,
};

pub(super) const GENERATOR_MERGE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"secretGenerator:
- name: app
  behavior: merge
  literals:
  - B=merged
resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  B: bWVyZ2Vk
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
type: Opaque
"#,
};

pub(super) const TWO_NAMESPACES: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
  namespace: two
stringData:
  A: ${A}
  B: ${B}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
  namespace: one
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: Secret
metadata:
  name: app
  namespace: two
type: Opaque
stringData:
  A: ${A}
  B: ${B}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
  namespace: one
stringData:
  A: ${A}
  B: ${B}
type: Opaque
---
apiVersion: v1
kind: Secret
metadata:
  name: app
  namespace: two
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
type: Opaque
"#,
};

pub(super) const LIST: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: app}
  stringData: {A: "${A}", B: "${B}"}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: cfg}
  data: {URL: "${URL}"}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: s3cr3t-b
"#,
};

pub(super) const SOPS_LIKE_VALUE: Case = Case {
    template: r#"apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"#,
    files: &[
        (
            "k8/apps/base/kustomization.yml",
            r##"resources:
- app.yml
"##,
        ),
        (
            "k8/apps/base/app.yml",
            r##"apiVersion: v1
kind: Secret
metadata:
  name: app
type: Opaque
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cfg
data:
  URL: ${URL}
"##,
        ),
        (
            "k8/apps/overlays/staging/kustomization.yml",
            r##"resources:
- ../../base
patches:
- path: ../../../config/staging-secret-config-patch.yml
"##,
        ),
    ],
    output: r#"apiVersion: v1
data:
  URL: s3cr3t-url
kind: ConfigMap
metadata:
  name: cfg
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: s3cr3t-a
  B: s3cr3t ${X} $(y)
type: Opaque
"#,
};

pub(super) const NASTY: &[(&str, &str)] = &[
    ("K0", "\"quoted\" 'single'"),
    ("K1", "a\nb\n"),
    ("K2", "# c"),
    ("K3", "k: v"),
    ("K4", "%s"),
    ("K5", "$HOME ${X}"),
    ("K6", "back\\slash"),
    ("K7", " lead"),
    ("K8", "trail "),
    ("K9", "no"),
    ("K10", "1e3"),
    ("K11", "2024-01-01"),
    ("K12", "~"),
    ("K13", "null"),
    ("K14", "0o17"),
    ("K15", "0x1F"),
    ("K16", "1_000"),
    ("K17", "1:30"),
    ("K18", "<<"),
    ("K19", "="),
    ("K20", ".inf"),
    ("K21", "\u{e9}\u{1f600}"),
    ("K22", "\u{2028}x\u{2029}"),
    ("K23", "\u{85}nel"),
    ("K24", "a\u{9}b"),
    ("K25", "{\"a\": \"b\"}"),
    ("K26", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"),
    ("K27", "---\n"),
    ("K28", ""),
    ("K29", "\u{a0}"),
    ("K30", "y"),
    ("K31", "0777"),
    ("K32", "- x"),
    ("K33", "*a"),
    ("K34", "&a"),
    ("K35", "!t"),
    ("K36", "|"),
    ("K37", ">"),
    ("K38", "@x"),
    ("K39", "`x`"),
    ("K40", "\r\ncr\r"),
    ("K41", "\u{feff}bom"),
    ("K42", "trailing\n\n\n"),
    ("K43", "  indented\nsecond"),
    (
        "K44",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
];

pub(super) const NASTY_OUTPUT: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  K0: '\"quoted\" ''single'''\n  K1: |\n    a\n    b\n  K2: '# c'\n  K3: 'k: v'\n  K4: '%s'\n  K5: $HOME ${X}\n  K6: back\\slash\n  K7: ' lead'\n  K8: 'trail '\n  K9: \"no\"\n  K10: \"1e3\"\n  K11: \"2024-01-01\"\n  K12: \"~\"\n  K13: \"null\"\n  K14: \"0o17\"\n  K15: \"0x1F\"\n  K16: \"1_000\"\n  K17: \"1:30\"\n  K18: <<\n  K19: =\n  K20: \".inf\"\n  K21: \"\u{e9}\\U0001F600\"\n  K22: '\u{2028}    x\u{2029}'\n  K23: ' nel'\n  K24: \"a\\tb\"\n  K25: '{\"a\": \"b\"}'\n  K26: |\n    -----BEGIN KEY-----\n    abc\n    -----END KEY-----\n  K27: |\n    ---\n  K28: \"\"\n  K29: \u{a0}\n  K30: \"y\"\n  K31: \"0777\"\n  K32: '- x'\n  K33: '*a'\n  K34: '&a'\n  K35: '!t'\n  K36: '|'\n  K37: '>'\n  K38: '@x'\n  K39: '`x`'\n  K40: \"\\r\\ncr\\r\"\n  K41: \"\\uFEFF\\x62\\x6F\\x6D\"\n  K42: |+\n    trailing\n\n\n  K43: |2-\n      indented\n    second\n  K44: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
