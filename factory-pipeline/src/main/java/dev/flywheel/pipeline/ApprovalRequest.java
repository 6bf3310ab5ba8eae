package dev.flywheel.pipeline;

import dev.flywheel.core.model.Verdict;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;

/**
 * A candidate that waits for a person. Immutable.
 *
 * <p>Who answers by a file writes it beside the request, as {@code ARTIFACT.answer.json}, under another name first and
 * then renamed: <code>{"artifact": "...", "decision": "approve", "who": "...", "why": "..."}</code>, or "deny".
 *
 * @param pipeline the name of the pipeline
 * @param version the number of the candidate's version, which is registered
 * @param artifact the SHA-256 of the candidate's artifact, to which the answer is bound
 * @param champion the champion that the gates compared it with, if there was one
 * @param askedAt when
 * @param expiresAt from when on the candidate cannot become champion any more
 * @param why what it has achieved
 * @param evidence what the gates said
 * @param file where the request is kept
 */
public record ApprovalRequest(
        String pipeline,
        int version,
        String artifact,
        OptionalInt champion,
        Instant askedAt,
        Instant expiresAt,
        String why,
        List<Verdict> evidence,
        Path file) {

    /** Copies the evidence. */
    public ApprovalRequest {
        evidence = List.copyOf(evidence);
    }
}
