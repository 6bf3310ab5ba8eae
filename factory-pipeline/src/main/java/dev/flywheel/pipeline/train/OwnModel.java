package dev.flywheel.pipeline.train;

import ai.djl.repository.zoo.Criteria;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.serving.engine.DjlDefaults;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A finished model of the user's as a candidate: nothing is learned. Immutable. */
final class OwnModel extends Described {

    private static final long serialVersionUID = 1L;

    static final String ONNX = ".onnx";

    private static final Set<String> TORCH_SCRIPT = Set.of(".pt", ".pth", ".torchscript");

    private final @Nullable String file;
    private final DjlTrainer.@Nullable Maker<? extends Criteria<?, ?>> criteria;
    private final List<String> columns;

    private OwnModel(
            @Nullable String file,
            DjlTrainer.@Nullable Maker<? extends Criteria<?, ?>> criteria,
            List<String> columns) {
        this.file = file;
        this.criteria = criteria;
        this.columns = columns;
        if (Set.copyOf(columns).size() < columns.size()) {
            throw new IllegalArgumentException("a model takes each column once, found " + columns);
        }
    }

    static OwnModel of(Path file, String... columns) {
        OwnModel model = new OwnModel(file.toString(), null, List.of(columns));
        if (!model.isOnnx() && TORCH_SCRIPT.stream().noneMatch(model.lower()::endsWith)) {
            throw new IllegalArgumentException("the file \"" + file
                    + "\" does not tell what model it is: an ONNX file ends in .onnx, a TorchScript file in .pt, .pth or "
                    + ".torchscript");
        }
        return model;
    }

    static OwnModel of(DjlTrainer.Maker<? extends Criteria<?, ?>> criteria, String... columns) {
        return new OwnModel(null, Objects.requireNonNull(criteria, "criteria"), List.of(columns));
    }

    boolean isOnnx() {
        return lower().endsWith(ONNX);
    }

    private String lower() {
        return String.valueOf(file).toLowerCase(Locale.ROOT);
    }

    /** Where the model is; null where criteria tell. */
    @Nullable
    Path file() {
        return file == null ? null : Path.of(file);
    }

    Criteria<?, ?> criteria() {
        DjlDefaults.apply();
        return Objects.requireNonNull(criteria).get();
    }

    /** The columns that the model takes, in order; empty where it knows them, or takes those of the features. */
    List<String> columns() {
        return columns;
    }

    @Override
    public String name() {
        return "model";
    }

    /** Another file of the same name is another model, so what is in it is part of what a definition says. */
    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        Path path = file();
        if (path == null) {
            all.put("criteria", criteria().toString().strip().replaceAll("\\s+", " "));
        } else {
            all.put("file", path.toString());
            all.put("sha256", OwnFile.sum(path));
        }
        if (!columns.isEmpty()) {
            all.put("columns", String.join(" ", columns));
        }
        return all;
    }

    /** Whether it fits is seen when it is there. */
    @Override
    public void requireTask(Task task) {
        Objects.requireNonNull(task, "task");
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        return new OwnCandidate(this, matrix.features(), target);
    }
}
