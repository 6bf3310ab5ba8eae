package dev.flywheel.serving.engine;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Holds what a manifest says of a model against what the model's file says. */
final class ManifestSignature {

    private ManifestSignature() {}

    /**
     * {@return the file's signature, with the manifest's columns where the file names none}
     *
     * @throws ModelFormatException if they differ in the names or types of the tensors, or in the columns
     */
    static Signature merge(Path model, Signature manifest, Signature file) {
        return new Signature(
                merge(model, "input", manifest.inputs(), file.inputs()),
                merge(model, "output", manifest.outputs(), file.outputs()));
    }

    private static List<TensorSpec> merge(Path model, String kind, List<TensorSpec> manifest, List<TensorSpec> file) {
        List<TensorSpec> merged = new ArrayList<>();
        for (TensorSpec own : file) {
            TensorSpec said = manifest.stream()
                    .filter(s -> s.name().equals(own.name()))
                    .findFirst()
                    .orElseThrow(() -> differs(model, kind, manifest, file));
            boolean columns = own.columns().isEmpty()
                    || said.columns().isEmpty()
                    || own.columns().equals(said.columns());
            if (said.type() != own.type() || !columns || manifest.size() != file.size()) {
                throw differs(model, kind, manifest, file);
            }
            merged.add(new TensorSpec(
                    own.name(), own.type(), own.shape(), own.columns().isEmpty() ? said.columns() : own.columns()));
        }
        return merged;
    }

    private static ModelFormatException differs(
            Path model, String kind, List<TensorSpec> manifest, List<TensorSpec> file) {
        return new ModelFormatException(
                "cannot load " + model,
                "its manifest says the " + kind + "s are " + manifest + ", but the file has " + file,
                "seal the artifact with the signature of its model file");
    }
}
