package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;

/**
 * Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019) over one vector of parameters. A
 * gradient longer than {@value #MOST_GRADIENT} is shortened to that, which keeps its direction (Pascanu et al. 2013):
 * one absurd row must not spoil the running means for a thousand steps.
 *
 * <p>A step is one native call of a TorchScript function, because PyTorch has a fused kernel for it that DJL does not
 * offer by itself: on a hundred thousand parameters, a quarter of the time. Lives as long as the manager it was made
 * in. Not thread-safe.
 */
final class Adam implements Descent {

    /** The Euclidean norm of the gradient of a mean loss, of all parameters together. */
    private static final double MOST_GRADIENT = 1;

    /** What it changes are lists given to it, because PyTorch would leave out what changes lists made within. */
    private static final String STEP = """
            def forward(self: __torch__.Adam, parameters: List[Tensor], gradient: Tensor, means: List[Tensor],
                squares: List[Tensor], steps: List[Tensor], weights: Tensor, rate: float, decay: float,
                longest: Tensor) -> None:
              _0 = torch.add_(steps[0], 1)
              if torch.gt(decay, 0.):
                all = parameters[0]
                _1 = torch.addcmul_(all, all, weights, value=torch.neg(torch.mul(rate, decay)))
              else:
                pass
              norm = torch.linalg_vector_norm(gradient)
              _3 = torch.fmax(longest, norm, out=longest)
              length = torch.div(norm, MOST)
              torch._fused_adam_(parameters, [gradient], means, squares, annotate(List[Tensor], []), steps,
                  lr=rate, beta1=0.9, beta2=0.999, weight_decay=0., eps=1e-08, amsgrad=False, maximize=False,
                  grad_scale=torch.clamp(length, 1.), found_inf=None)
              _2 = torch.zero_(gradient)
            """.replace("MOST", Double.toString(MOST_GRADIENT));

    private final PtNDArray parameters;
    private final PtNDArray means;
    private final PtNDArray squares;
    private final PtNDArray longest;
    private double highestRate;
    private final PtSymbolBlock script;
    private final IValue[] arguments = new IValue[9];

    /**
     * @param parameters gather their gradient
     * @param weights one for each parameter that decays, zero for the others
     */
    Adam(NDManager manager, PtNDArray parameters, float[] weights) {
        this(manager, parameters, weights, new float[weights.length], new float[weights.length], 0);
    }

    /** As it stood after so many steps. */
    Adam(NDManager manager, PtNDArray parameters, float[] weights, float[] means, float[] squares, long steps) {
        this.parameters = parameters;
        this.means = (PtNDArray) manager.create(means);
        this.squares = (PtNDArray) manager.create(squares);
        this.longest = (PtNDArray) manager.create(0f);
        this.script = TorchScript.load(manager, "Adam", STEP);
        arguments[0] = IValue.listFrom(parameters);
        arguments[2] = IValue.listFrom(this.means);
        arguments[3] = IValue.listFrom(this.squares);
        arguments[4] = IValue.listFrom((PtNDArray) manager.create(new float[] {steps}, new Shape()));
        arguments[5] = IValue.from((PtNDArray) manager.create(weights));
        arguments[8] = IValue.from(longest);
    }

    @Override
    public void step(double rate, double decay) {
        highestRate = Math.max(highestRate, rate); // a step moves each parameter by about that
        try (PtNDArray gradient = JniUtils.getGradient(parameters);
                IValue along = IValue.from(gradient);
                IValue far = IValue.from(rate);
                IValue shrinking = IValue.from(decay)) {
            arguments[1] = along;
            arguments[6] = far;
            arguments[7] = shrinking;
            IValueUtils.runMethod(script, "forward", arguments).close();
        }
    }

    @Override
    public double longest() {
        return Math.max(longest.getFloat(), highestRate * Math.sqrt((double) parameters.size()));
    }

    @Override
    public float[] means() {
        return means.toFloatArray();
    }

    @Override
    public float[] squares() {
        return squares.toFloatArray();
    }
}
