import Gradients
import Networks
import Tensors

/// What can be chosen about a ``ConvolutionalAutoencoder``.
struct ConvolutionalSettings: ModelSettings {
  /// Channels after each convolution, of which every one halves the picture; empty for 16 and 32 of pictures, 8 of lines.
  var channels: [Int] = []
  /// Numbers in a code; 0 for 32 of a picture, about a quarter of anything else.
  var code = 0

  func check() throws(FitError) {
    try SettingCheck.layers("channels", channels)
    guard channels.count <= 8 else {
      throw .setting("channels has \(channels.count) numbers, not at most 8")
    }
    try SettingCheck.units("code", code)
  }
}

/// A convolutional autoencoder: convolutions of stride 2 to a dense code, and transposed ones back (Masci et al. 2011, with strides
/// in the place of pooling as Springenberg et al. 2015 have them). Rows are pictures `[height, width]` of any size; flat ones are
/// pictures of one line.
struct ConvolutionalAutoencoder: AutoencoderDesign {
  static let name = "convolutional-autoencoder"
  static var training: TrainingSettings {
    var training = TrainingSettings.autoencoders
    training.epochs = 10
    training.batch = 50
    return training
  }

  let width: Int
  let codeWidth: Int
  let usual: UsualRows
  private let encoder: PictureEncoder
  private let toCode: Dense
  private let fromCode: Dense
  private let decoder: PictureDecoder
  private let channels: Int

  init(_ settings: ConvolutionalSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    guard form.shape.count <= 2 else {
      throw .unsuitable("rows of the shape \(form.shape) are no pictures: a height and a width are needed")
    }
    width = form.width
    codeWidth = settings.code > 0 ? settings.code : AutomaticCode.narrow(form)
    let widths = !settings.channels.isEmpty ? settings.channels : form.isPicture ? [16, 32] : [8]
    let sizes = PictureSizes(form, halvings: widths.count)
    channels = widths[widths.count - 1]
    let flat = channels * sizes.smallest.height * sizes.smallest.width
    encoder = PictureEncoder(sizes, channels: widths, in: &scope)
    toCode = Dense("toCode", flat, codeWidth, in: &scope)
    fromCode = Dense("fromCode", codeWidth, flat, activation: .relu, in: &scope)
    decoder = PictureDecoder(sizes, channels: widths.reversed(), in: &scope)
    usual = UsualRows(width: width, codes: codeWidth, range: .all, support: form.support, in: &scope)
  }

  func encode(_ rows: Rows) -> Variable {
    toCode(encoder(rows.x).reshaped([rows.count, toCode.weight.shape[0]]))
  }

  func decode(_ codes: Variable, labels: Variable?) -> Variable {
    let size = decoder.sizes.smallest
    let y = decoder(fromCode(codes).reshaped([codes.shape[0], channels, size.height, size.width]))
    return usual.isUnit ? sigmoid(y) : y
  }

  func loss(_ rows: Rows) -> Variable { halfSquaredError(rows, reconstruct(rows)).mean() }
}
