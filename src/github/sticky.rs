//! One comment for each marker: found, made, put right, and never two for long.

use std::time::Duration;

use super::call::Client;
use super::comments::Found;
use super::refusal::Refusal;
use crate::mask::Masked;
use crate::report::comment::{Comment, is_same};

/// How often a comment is sent at most; the second time only where the first cannot be found.
const CREATIONS: usize = 2;
/// A comment is not listed in the very moment in which it is made.
const SETTLING: Duration = Duration::from_secs(2);

/// Whether a comment is made where there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is made.
    Make,
    /// None is needed.
    Leave,
}

/// What became of the comment, with its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// There was none.
    Made(String),
    /// It told something else before.
    Changed(String),
    /// It tells this already.
    Left(String),
    /// There was none and none is needed.
    None,
}

impl Client {
    /// Sees to it that the pull request has `comment` once. Of several of ours with its marker, from runs at the same time, the oldest stays.
    ///
    /// # Errors
    /// Why there is none, or perhaps none.
    pub async fn keep(&self, comment: &Comment, missing: Missing) -> Result<Kept, Refusal> {
        let ours = self.find(comment).await?;
        match self.settle(comment, ours).await {
            Ok(Some(kept)) => Ok(kept),
            // There is none, or it was deleted a moment ago.
            Ok(None) | Err(Refusal::NotFound) => match missing {
                Missing::Make => self.make(comment).await,
                Missing::Leave => Ok(Kept::None),
            },
            Err(refusal) => Err(refusal),
        }
    }

    /// Our comments with this marker, the oldest first.
    async fn find(&self, comment: &Comment) -> Result<Vec<Found>, Refusal> {
        let marked = self.list(|found| comment.is_marked(found.text())).await?;
        self.ours(marked).await
    }

    /// Leaves one of `ours`, and that one right; `None` where there is none.
    async fn settle(&self, comment: &Comment, ours: Vec<Found>) -> Result<Option<Kept>, Refusal> {
        let Some((oldest, others)) = ours.split_first() else { return Ok(None) };
        let url = oldest.html_url.clone();
        let kept = if self.put_right(comment, oldest).await? { Kept::Changed(url) } else { Kept::Left(url) };
        for other in others {
            if let Err(refusal) = self.delete(other.id).await {
                tracing::debug!(?refusal, "a second comment stays");
            }
        }
        Ok(Some(kept))
    }

    /// Makes the comment. Where the answer is lost, what there is by now is looked up before it is sent again.
    async fn make(&self, comment: &Comment) -> Result<Kept, Refusal> {
        let mut creations = 0;
        loop {
            creations += 1;
            let lost = match self.in_some_form(comment, async |text| self.create(text).await).await {
                Ok(made) => return Ok(Kept::Made(self.one_of_several(comment, made).await)),
                Err(refusal @ Refusal::Unanswered(_)) => refusal,
                Err(refusal) => return Err(refusal),
            };
            self.wait(SETTLING).await.map_err(|()| lost.clone())?;
            let ours = self.find(comment).await.map_err(|_| lost.clone())?;
            match self.settle(comment, ours).await? {
                Some(Kept::Changed(url) | Kept::Left(url)) => return Ok(Kept::Made(url)),
                _ if creations == CREATIONS => return Err(lost),
                _ => {}
            }
        }
    }

    /// Another run may have made one at the same time: then the older tells the report of both, and `made` goes. Returns the page of what stays.
    async fn one_of_several(&self, comment: &Comment, made: Found) -> String {
        let page = made.html_url.clone();
        let Ok(mut ours) = self.find(comment).await else { return page };
        ours.retain(|found| found.id < made.id);
        if ours.is_empty() {
            return page;
        }
        ours.push(made);
        match self.settle(comment, ours).await {
            Ok(Some(Kept::Changed(url) | Kept::Left(url))) => url,
            _ => page,
        }
    }

    /// Sends the text where the comment tells something else; whether it did.
    async fn put_right(&self, comment: &Comment, found: &Found) -> Result<bool, Refusal> {
        let is_right = |text: &Masked| is_same(text.as_str(), found.text());
        if comment.forms.first().is_some_and(is_right) {
            return Ok(false);
        }
        let send = async |text: &Masked| {
            if is_right(text) { Ok(false) } else { self.update(found.id, text).await.map(|_| true) }
        };
        self.in_some_form(comment, send).await
    }

    /// Sends the fullest form that GitHub takes.
    async fn in_some_form<T>(
        &self,
        comment: &Comment,
        send: impl AsyncFn(&Masked) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        for form in &comment.forms {
            match send(form).await {
                Err(Refusal::TooLong) => {}
                sent => return sent,
            }
        }
        Err(Refusal::TooLong)
    }
}
