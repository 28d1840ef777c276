/// Which release of the programs this is.
public enum Release {
  /// The same for anomalyd, anomalyctl and anomalylab, which are built together.
  public static let version = "0.1.0"
}
