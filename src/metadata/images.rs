//! Images (containerd's `metadata/images.go`): names for content.
//!
//! ```text
//!   v1/NAMESPACE/images/NAME   annotations/KEY  createdat  labels/KEY  target/{digest, mediatype, size}  updatedat
//! ```

use super::buckets::LeaseEntry;
use super::error::{Error, Shown};
use super::fields::{self, Label, Labels, build_map, ordered, put};
use super::names::{
    ANNOTATIONS, CREATED_AT, DIGEST, GC_EXPIRE, IMAGES, LABELS, MEDIA_TYPE, SIZE, TARGET, UPDATED_AT, V1,
};
use super::validate;
use super::{Context, Store};
use crate::bucket::{Bucket, Builder, Entry, View};
use crate::schema::{time, varint};

/// An image as a client gives it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Image {
    /// Any bytes but none.
    pub name: Vec<u8>,
    /// Its labels.
    pub labels: Labels,
    /// The target's digest.
    pub digest: Vec<u8>,
    /// The target's media type.
    pub media_type: Vec<u8>,
    /// The target's size in bytes.
    pub size: i64,
    /// The target's annotations.
    pub annotations: Labels,
}

impl Image {
    /// `validateImage`: a name, labels within the limit, a target with a digest, a size above zero and a media type.
    fn validate(&self) -> Result<(), Error> {
        let name = Shown(&self.name);
        if self.name.is_empty() {
            return Err(Error::invalid(format_args!("image name must not be empty")));
        }
        validate::labels("image", &self.labels)?;
        validate::digest(&self.digest).map_err(|reason| {
            Error::invalid(format_args!("target digest {} of image {name}: {reason}", Shown(&self.digest)))
        })?;
        if self.size <= 0 {
            return Err(Error::invalid(format_args!(
                "target size {} of image {name} is not above zero",
                self.size
            )));
        }
        if self.media_type.is_empty() {
            return Err(Error::invalid(format_args!("target of image {name} has no media type")));
        }
        Ok(())
    }

    /// `readImage`.
    fn read(name: &[u8], image: View<'_>) -> Result<Image, Error> {
        fields::check_times(image, &[CREATED_AT, UPDATED_AT])?;
        let Some(target) = image.bucket(TARGET) else {
            return Err(Error::unknown(format_args!("image {} has no target", Shown(name))));
        };
        Ok(Image {
            name: name.to_vec(),
            labels: fields::read_map(image, LABELS),
            digest: target.get(DIGEST).unwrap_or_default().to_vec(),
            media_type: target.get(MEDIA_TYPE).unwrap_or_default().to_vec(),
            size: target.get(SIZE).and_then(varint::decode_signed).unwrap_or_default(),
            annotations: fields::read_map(image, ANNOTATIONS),
        })
    }
}

impl Store {
    /// Creates an image (`imageStore.Create`). Its target need not exist. From 2.0 an image with an expiry goes
    /// into the lease in use; if the name is taken that is rolled back with the rest (L12).
    ///
    /// # Errors
    /// What the image lacks: invalid argument. The name is taken: already exists. From 2.0, the lease does not exist
    /// though it is needed: not found.
    pub fn create_image(&mut self, context: &Context<'_>, image: &Image) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        image.validate()?;
        let images = [V1, namespace, IMAGES];
        let now = time::to_binary(context.now);
        let mut builder = Builder::new();
        build_map(&mut builder, ANNOTATIONS, &ordered(&image.annotations))?;
        put(&mut builder, CREATED_AT, &now);
        build_map(&mut builder, LABELS, &ordered(&image.labels))?;
        fields::open(&mut builder, TARGET);
        put(&mut builder, DIGEST, &image.digest);
        put(&mut builder, MEDIA_TYPE, &image.media_type);
        put(&mut builder, SIZE, &varint::encode_signed(image.size));
        builder.close();
        put(&mut builder, UPDATED_AT, &now);
        let bucket = builder.finish();
        if self.leases_images() && has_expiry(&image.labels) {
            return self.update(|store| {
                store.lease_image(context, image)?;
                store.put_image(&images, image, &bucket)
            });
        }
        self.put_image(&images, image, &bucket)
    }

    fn put_image(&mut self, images: &[&[u8]], image: &Image, bucket: &Bucket) -> Result<(), Error> {
        self.refuse_taken(images, &image.name, "image")?;
        self.put_object(images, &image.name, bucket)
    }

    /// Updates an image (`imageStore.Update`): without paths all of it, else `labels`, `labels.K`, `annotations`,
    /// `annotations.K` and `target`. It wants no collection, though it may drop the last reference to content (L21).
    ///
    /// # Errors
    /// No such image: not found; a plain error where no images can be (a daemon of 1.6.20 was asked in the namespace
    /// `version`). Another path, or what the image would lack afterwards: invalid argument.
    pub fn update_image(
        &mut self,
        context: &Context<'_>,
        image: &Image,
        paths: &[&[u8]],
    ) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        if image.name.is_empty() {
            return Err(Error::invalid(format_args!("image name must not be empty")));
        }
        let path = [V1, namespace, IMAGES, &image.name];
        let Some(there) = self.at(&path) else {
            // The namespace's images are made before the image is looked for: where a value lies, that fails.
            return self.update(|store| {
                store.tree.create_path(&path[..3])?;
                Err(Error::not_found("image", &image.name))
            });
        };
        let mut updated = Image::read(&image.name, there)?;
        if paths.is_empty() {
            updated.clone_from(image);
            updated.annotations = ordered(&image.annotations).into_owned();
        }
        updated.labels = fields::updated_labels(there, &image.labels, paths, |path| {
            if let Some(key) = path.strip_prefix(b"annotations.") {
                fields::set(&mut updated.annotations, key, fields::value(&image.annotations, key));
            } else if path == ANNOTATIONS {
                updated.annotations = ordered(&image.annotations).into_owned();
            } else if path == TARGET {
                updated.digest.clone_from(&image.digest);
                updated.media_type.clone_from(&image.media_type);
                updated.size = image.size;
                updated.annotations = ordered(&image.annotations).into_owned();
            } else {
                let (path, name) = (Shown(path), Shown(&image.name));
                return Err(Error::invalid(format_args!("cannot update field {path} of image {name}")));
            }
            Ok(())
        })?;
        updated.validate()?;
        self.update(|store| {
            store.lease_image(context, &updated)?;
            fields::keep_created_at(&mut store.tree, &path)?;
            store.tree.put(&path, UPDATED_AT, &time::to_binary(context.now))?;
            fields::rewrite_map(&mut store.tree, &path, LABELS, &updated.labels)?;
            fields::rewrite_map(&mut store.tree, &path, ANNOTATIONS, &updated.annotations)?;
            let target = [V1, namespace, IMAGES, &image.name, TARGET];
            let size = varint::encode_signed(updated.size);
            for (key, value) in [(DIGEST, &updated.digest), (MEDIA_TYPE, &updated.media_type), (SIZE, &size)]
            {
                if store.at(&target).and_then(|target| target.entry(key)) != Some(Entry::Value(value)) {
                    store.tree.put(&target, key, value)?;
                }
            }
            Ok(())
        })
    }

    /// Deletes an image (`imageStore.Delete`). From 2.0 it leaves the lease in use. The synchronous form waits for a
    /// collection afterwards, which is not done here.
    ///
    /// # Errors
    /// No such image: not found.
    pub fn delete_image(&mut self, context: &Context<'_>, name: &[u8]) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        self.update(|store| {
            if store.leases_images() {
                store.remove_from_lease(context, LeaseEntry::Image, name)?;
            }
            store.delete_object(&[V1, namespace, IMAGES], name, "image")
        })?;
        self.dirty.deletion();
        Ok(())
    }

    /// From 2.0 an image that has an expiry goes into the lease in use (`addImageLease`).
    fn lease_image(&mut self, context: &Context<'_>, image: &Image) -> Result<(), Error> {
        if self.leases_images() && has_expiry(&image.labels) {
            self.add_to_lease(context, LeaseEntry::Image, &image.name)?;
        }
        Ok(())
    }
}

fn has_expiry(labels: &[Label]) -> bool {
    labels.iter().any(|(key, _)| key == GC_EXPIRE)
}
