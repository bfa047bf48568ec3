declare module "parse-prometheus-text-format" {
  /** Metric families; throws for what is not in the format. */
  export default function parsePrometheusTextFormat(text: string): unknown;
}
