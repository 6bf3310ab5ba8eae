package dev.flywheel.serving;

import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The tensors of requests in a lane, by name. Requests of one row run together where the model takes any number of rows
 * of a fixed size and promises as many in each output. Any other request runs by itself, in the shapes that it has: put
 * with others into one run it makes that run fail, and then each is run alone. Not thread-safe.
 */
final class NamedTensors implements Codec.Binding<Map<String, Tensor>, Map<String, Tensor>> {

    private final Lane lane;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final boolean byRows;
    private boolean shaped;

    NamedTensors(Lane lane) {
        this.lane = lane;
        this.inputs = lane.signature().inputs();
        this.outputs = lane.signature().outputs();
        this.byRows = byRows(lane);
    }

    private static boolean byRows(Lane lane) {
        boolean rows = lane.maxRows() > 1;
        for (TensorSpec input : lane.signature().inputs()) {
            rows &= input.shape().indexOf(-1L) == 0 && input.shape().lastIndexOf(-1L) == 0;
        }
        for (int i = 0; i < lane.signature().outputs().size(); i++) {
            rows &= lane.output(i).rows() == lane.maxRows();
        }
        return rows;
    }

    @Override
    public int maxRows() {
        return byRows ? lane.maxRows() : 1;
    }

    @Override
    public void write(Map<String, Tensor> request, int row) {
        check(request);
        if (row == 0) {
            if (shaped) {
                lane.length(1);
            }
            shaped = false;
        }
        if (shaped) {
            return; // the run is going to fail whatever stands in this row
        }
        shaped = !byRows || !isRow(request);
        for (int i = 0; i < inputs.size(); i++) {
            Tensor tensor = tensor(request, i);
            TensorBuffer memory = lane.input(i);
            if (shaped) {
                memory.reshape(tensor.dimensions());
            }
            TensorMemory.write(tensor, memory, shaped ? 0 : row * memory.width());
        }
    }

    @Override
    public Map<String, Tensor> read(int row) {
        Map<String, Tensor> answer = new LinkedHashMap<>();
        for (int i = 0; i < outputs.size(); i++) {
            TensorBuffer memory = lane.output(i);
            long[] shape = memory.shape();
            if (!shaped) {
                shape[0] = 1;
            }
            answer.put(outputs.get(i).name(), TensorMemory.read(memory, shaped ? 0 : row * memory.width(), shape));
        }
        return Collections.unmodifiableMap(answer);
    }

    private boolean isRow(Map<String, Tensor> request) {
        for (int i = 0; i < inputs.size(); i++) {
            if (tensor(request, i).dimensions()[0] != 1) {
                return false;
            }
        }
        return true;
    }

    private Tensor tensor(Map<String, Tensor> request, int index) {
        Tensor tensor = request.get(inputs.get(index).name());
        if (tensor == null) {
            throw new IllegalArgumentException("input \"" + inputs.get(index).name() + "\" is missing: the request has "
                    + request.keySet() + ", the model takes " + taken());
        }
        return tensor;
    }

    private void check(Map<String, Tensor> request) {
        for (int i = 0; i < inputs.size(); i++) {
            TensorSpec spec = inputs.get(i);
            Tensor tensor = tensor(request, i);
            if (tensor.type() != spec.type() || !fits(tensor.dimensions(), spec.shape())) {
                throw new IllegalArgumentException("input \"" + spec.name() + "\" is " + tensor.describe()
                        + ", the model takes " + spec.type() + spec.shape()
                        + (spec.shape().contains(-1L) ? ", where -1 is free" : ""));
            }
        }
        if (request.size() > inputs.size()) {
            String unknown = request.keySet().stream()
                    .filter(name -> inputs.stream().noneMatch(i -> i.name().equals(name)))
                    .findFirst()
                    .orElseThrow();
            throw new IllegalArgumentException("there is no input \"" + unknown + "\": the model takes " + taken());
        }
    }

    private static boolean fits(long[] found, List<Long> shape) {
        // A file that says nothing of a tensor's shape looks as if it were a scalar: then the run tells.
        boolean fits = shape.isEmpty() || found.length == shape.size();
        for (int i = 0; fits && i < shape.size(); i++) {
            fits = shape.get(i) < 0 || shape.get(i) == found[i];
        }
        return fits;
    }

    private String taken() {
        return inputs.stream()
                .map(i -> "\"" + i.name() + "\" " + i.type() + i.shape())
                .collect(Collectors.joining(", ", "[", "]"));
    }
}
