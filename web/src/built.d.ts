/** What the build puts in place of imports. */

declare module "binary:matrices" {
  /** The binary of the matrix library, compressed with gzip, in base64. */
  const binary: string;
  export default binary;
}

declare module "script:worker" {
  /** The source of `worker.ts` and all that it imports, as one script. */
  const source: string;
  export default source;
}
