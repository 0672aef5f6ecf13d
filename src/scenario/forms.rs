//! Every step's form, for messages, for suggestions and for the manual.

/// The form of one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// Its first word.
    pub step: &'static str,
    /// Its second word, what is done; empty where there is none.
    pub sub_step: &'static str,
    /// What follows: in capitals what the writer chooses, in brackets what may be left out.
    pub rest: &'static str,
    /// One line that parses.
    pub example: &'static str,
}

const fn form(step: &'static str, sub_step: &'static str, rest: &'static str, example: &'static str) -> Form {
    Form { step, sub_step, rest, example }
}

/// Every form, in the order of the manual.
pub const FORMS: &[Form] = &[
    form("client", "", "NAME [namespace=NS] [lease=ID]", "client alice namespace=other lease=pull"),
    form("release", "", "RELEASE", "release 2.2"),
    form("now", "", "TIME", "now 2026-01-01T12:00:00Z"),
    form("advance", "", "DURATION", "advance 1h1s"),
    form("namespace", "create", "NS [LABEL=VALUE...]", "namespace create other"),
    form(
        "namespace",
        "label",
        "NS LABEL=VALUE...",
        "namespace label other containerd.io/namespace.shareable=true",
    ),
    form("namespace", "delete", "NS", "namespace delete other"),
    form("namespace", "use", "NS", "namespace use other"),
    form("content", "policy", "shared|isolated", "content policy isolated"),
    form("content", "open", "REF [expect=DIGEST] [size=N]", "content open upload expect=layer size=12"),
    form(
        "content",
        "commit",
        "REF DIGEST [size=N] [LABEL=VALUE...]",
        "content commit upload layer gc.root=now",
    ),
    form("content", "abort", "REF", "content abort upload"),
    form(
        "content",
        "put",
        "DIGEST [size=N] [LABEL=VALUE...]",
        "content put manifest gc.ref.content.0=@layer",
    ),
    form("content", "label", "DIGEST [replace] [LABEL=VALUE...]", "content label manifest gc.ref.content.0="),
    form("content", "delete", "DIGEST", "content delete layer"),
    form(
        "snapshot",
        "prepare",
        "S/KEY [parent=KEY] [LABEL=VALUE...]",
        "snapshot prepare overlayfs/upper parent=base",
    ),
    form(
        "snapshot",
        "view",
        "S/KEY [parent=KEY] [LABEL=VALUE...]",
        "snapshot view overlayfs/look parent=base",
    ),
    form(
        "snapshot",
        "prepare-begin",
        "S/KEY [parent=KEY] [LABEL=VALUE...]",
        "snapshot prepare-begin overlayfs/upper parent=base",
    ),
    form(
        "snapshot",
        "view-begin",
        "S/KEY [parent=KEY] [LABEL=VALUE...]",
        "snapshot view-begin overlayfs/look parent=base",
    ),
    form("snapshot", "finish", "S/KEY", "snapshot finish overlayfs/upper"),
    form(
        "snapshot",
        "commit",
        "S/KEY NAME [parent=KEY] [LABEL=VALUE...]",
        "snapshot commit overlayfs/upper base parent=lower",
    ),
    form(
        "snapshot",
        "label",
        "S/KEY [replace] [LABEL=VALUE...]",
        "snapshot label overlayfs/base gc.root=now",
    ),
    form("snapshot", "remove", "S/KEY", "snapshot remove overlayfs/base"),
    form(
        "image",
        "create",
        "NAME target=DIGEST [size=N] [media-type=T] [expire=E] [LABEL=VALUE...]",
        "image create main target=manifest",
    ),
    form(
        "image",
        "update",
        "NAME [target=DIGEST] [size=N] [media-type=T] [expire=E] [replace=labels|all] [LABEL=VALUE...]",
        "image update main target=other",
    ),
    form("image", "label", "NAME [replace] [LABEL=VALUE...]", "image label main gc.ref.content=@extra"),
    form("image", "delete", "NAME [sync]", "image delete main sync"),
    form(
        "container",
        "create",
        "ID [snapshotter=S] [snapshot=KEY] [image=NAME] [runtime=R] [spec=BYTES] [LABEL=VALUE...]",
        "container create web snapshotter=overlayfs snapshot=upper",
    ),
    form(
        "container",
        "update",
        "ID [snapshotter=S] [snapshot=KEY] [image=NAME] [runtime=R] [spec=BYTES] [replace=labels|all] [LABEL=VALUE...]",
        "container update web image=main",
    ),
    form(
        "container",
        "label",
        "ID [replace] [LABEL=VALUE...]",
        "container label web replace gc.ref.content=@config",
    ),
    form("container", "delete", "ID", "container delete web"),
    form("lease", "create", "ID [expire=E] [flat] [LABEL=VALUE...]", "lease create pull expire=+1h flat"),
    form(
        "lease",
        "add",
        "ID RESOURCE...",
        "lease add pull content/layer snapshot/overlayfs/base ingest/upload",
    ),
    form("lease", "drop", "ID RESOURCE...", "lease drop pull content/layer"),
    form("lease", "use", "ID", "lease use pull"),
    form("lease", "none", "", "lease none"),
    form("lease", "delete", "ID [sync]", "lease delete pull sync"),
    form("sandbox", "create", "ID [LABEL=VALUE...]", "sandbox create pod gc.ref.content=@config"),
    form("sandbox", "label", "ID [replace] [LABEL=VALUE...]", "sandbox label pod replace"),
    form("sandbox", "delete", "ID", "sandbox delete pod"),
    form("stream", "open", "NAME", "stream open progress"),
    form("stream", "close", "NAME", "stream close progress"),
    form("collector", "declare", "KIND [label=NAME]", "collector declare type-9 label=volume"),
    form("collector", "list", "KIND NODE...", "collector list type-9 type-9/disk type-9/tape"),
    form("collector", "forget", "KIND NODE...", "collector forget type-9 type-9/tape"),
    form("collector", "active", "KIND NODE... [for=NS]", "collector active type-9 type-9/disk"),
    form(
        "collector",
        "leased",
        "KIND NODE... lease=ID [for=NS]",
        "collector leased type-9 type-9/tape lease=pull",
    ),
    form(
        "collector",
        "back-reference",
        "KIND FROM TO [for=NS]",
        "collector back-reference mount container/web mount/m1",
    ),
    form(
        "collector",
        "references",
        "KIND FROM TO...",
        "collector references type-9 type-9/disk content/layer",
    ),
    form("collector", "fail", "KIND start|cancel|finish", "collector fail type-9 start"),
    form("collector", "heal", "KIND start|cancel|finish", "collector heal type-9 start"),
    form(
        "raw",
        "put",
        "PATH VALUE|time=TIME|varint=N",
        r#"raw put v1/default/content/ingests/upload/expireat time=2026-01-01T00:00:00Z"#,
    ),
    form("raw", "bucket", "PATH", r#"raw bucket v1/default/images/main/labels/"containerd.io/gc.root""#),
    form("raw", "delete", "PATH", "raw delete v1/default/content/blob/@layer/size"),
    form("raw", "sequence", "PATH N", "raw sequence v1/default/content 7"),
    form("gc", "", "[last=KIND] [cancel-at-root=K]", "gc last=stream"),
    form("cleanup", "", "", "cleanup"),
    form("expect", "kept", "NODE...", "expect kept content/layer other/lease/pull"),
    form("expect", "removed", "NODE...", "expect removed snapshot/overlayfs/base"),
    form("expect", "present", "NODE...", "expect present image/main"),
    form("expect", "absent", "NODE...", "expect absent ingest/upload"),
    form("expect", "stored", "NODE...", "expect stored content/layer"),
    form("expect", "not-stored", "NODE...", "expect not-stored ingest/upload"),
    form("expect", "error", "TEXT", r#"expect error "Time.UnmarshalBinary: no data""#),
    form("expect", "same", "", "expect same"),
    form(
        "expect",
        "value",
        "PATH VALUE|time=TIME|varint=N",
        "expect value v1/default/content/blob/@layer/size varint=12",
    ),
    form("expect", "bucket", "PATH", "expect bucket v1/default/leases/pull"),
    form("expect", "nothing", "PATH", "expect nothing v1/default/snapshots/overlayfs/base/children/upper"),
];

impl Form {
    /// The whole form on one line.
    pub fn usage(&self) -> String {
        let words = [self.step, self.sub_step, self.rest];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }
}
