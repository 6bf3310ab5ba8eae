package dev.flywheel.core.model;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Where a model version comes from and how good it is. Immutable; written as card.json beside the model.
 *
 * @param pipeline the name of the pipeline
 * @param runId the run that made it
 * @param createdAt when the model was registered
 * @param task what it predicts
 * @param definitionHash SHA-256 of the pipeline's printed definition
 * @param definition the pipeline's printed definition
 * @param datasetHashes SHA-256 of the datasets that it learned from
 * @param trainRows the number of rows it learned from
 * @param testRows the number of rows it was evaluated on
 * @param parent the version that was champion when it was made, if there was one
 * @param candidate the trainer with its settings
 * @param metrics each metric's name with its estimate on the test rows
 * @param verdicts what the gates said
 * @param environment library, Java and operating system versions, seed, and the provider that trained it
 */
public record ModelCard(
        String pipeline,
        String runId,
        Instant createdAt,
        Task task,
        String definitionHash,
        String definition,
        List<String> datasetHashes,
        long trainRows,
        long testRows,
        OptionalInt parent,
        String candidate,
        Map<String, Estimate> metrics,
        List<Verdict> verdicts,
        Map<String, String> environment) {

    /** Copies the collections. */
    public ModelCard {
        datasetHashes = List.copyOf(datasetHashes);
        metrics = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(metrics));
        verdicts = List.copyOf(verdicts);
        environment = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(environment));
    }
}
